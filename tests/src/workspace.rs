//! The workspace as `cargo metadata` and its manifests describe it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::program;

/// What `cargo metadata --format-version 1` prints, as far as the checks read it.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// Every package in the graph.
    pub packages: Vec<Package>,
    /// The edges between them.
    pub resolve: Resolve,
    /// Ids of our own packages.
    pub workspace_members: BTreeSet<String>,
}

/// One package of the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// The name.
    pub name: String,
    /// What [`Metadata::workspace_members`] and [`Node`] call it.
    pub id: String,
    /// The version, `1.2.3`.
    pub version: String,
    /// The SPDX expression, if the author wrote one.
    pub license: Option<String>,
    /// The oldest toolchain that it says it needs.
    pub rust_version: Option<String>,
    /// Where it comes from; `None` for a path.
    pub source: Option<String>,
    /// Its `Cargo.toml`.
    pub manifest_path: PathBuf,
}

/// The resolved graph.
#[derive(Debug, Deserialize)]
pub struct Resolve {
    /// One node for each package.
    pub nodes: Vec<Node>,
}

/// One package's edges.
#[derive(Debug, Deserialize)]
pub struct Node {
    /// The package.
    pub id: String,
    /// What it depends on.
    pub deps: Vec<Edge>,
}

/// One dependency.
#[derive(Debug, Deserialize)]
pub struct Edge {
    /// The package depended on.
    pub pkg: String,
    /// The kinds of dependency that this edge stands for.
    pub dep_kinds: Vec<EdgeKind>,
}

/// Whether an edge is `normal`, `dev` or `build`.
#[derive(Debug, Deserialize)]
pub struct EdgeKind {
    /// `None` is a normal dependency.
    pub kind: Option<String>,
}

// === impl Metadata ===

impl Metadata {
    /// Asks cargo about this workspace, offline and for the host's platform only, so that a machine
    /// that has built the workspace once can answer.
    ///
    /// # Panics
    ///
    /// When cargo fails or prints something else than metadata.
    pub fn load() -> Self {
        let platform = host_platform();
        let text = cargo(&[
            "metadata",
            "--format-version=1",
            "--filter-platform",
            &platform,
        ]);
        let mut metadata: Self = serde_json::from_str(&text).expect("metadata");
        // Metadata also has what no feature in use needs; the tree has what is really built.
        let built = built_packages();
        let is_built =
            |package: &Package| built.contains(&format!("{} v{}", package.name, package.version));
        metadata.packages.retain(is_built);
        metadata
    }

    /// Our own packages, by name.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Names of the packages that `package` depends on directly, dev and build dependencies left out.
    pub fn normal_dependencies(&self, package: &Package) -> BTreeSet<&str> {
        let names = self.names();
        self.normal_edges(&package.id).map(|id| names[id]).collect()
    }

    /// Names of everything that comes with `package`, dev and build dependencies left out.
    pub fn normal_closure(&self, package: &Package) -> BTreeSet<&str> {
        let names = self.names();
        let mut seen = BTreeSet::new();
        let mut queue = vec![package.id.as_str()];
        while let Some(id) = queue.pop() {
            queue.extend(self.normal_edges(id).filter(|&id| seen.insert(id)));
        }
        seen.into_iter()
            .filter_map(|id| names.get(id).copied())
            .collect()
    }

    fn names(&self) -> BTreeMap<&str, &str> {
        self.packages
            .iter()
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect()
    }

    fn normal_edges<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let node = self.resolve.nodes.iter().find(|node| node.id == id);
        node.into_iter()
            .flat_map(|node| &node.deps)
            .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()))
            .map(|edge| edge.pkg.as_str())
    }
}

/// The workspace's root directory.
///
/// # Panics
///
/// Never: this package's directory has a parent.
pub fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("tests/ has a parent").to_owned()
}

/// `name v1.2.3` of everything that is built for tests on this machine.
fn built_packages() -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--edges=normal,build,dev",
        "--prefix=none",
    ]);
    let name_and_version = |line: &str| {
        let mut words = line.split(' ');
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    tree.lines().filter_map(name_and_version).collect()
}

/// Runs cargo on this workspace, offline, and gives what it prints.
fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).args(["--locked", "--offline"]);
    program::run(cargo.current_dir(root()))
}

fn host_platform() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc prints text");
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .to_owned()
}
