//! What a package is built from, as CycloneDX 1.5 JSON: whoever must answer for a program can ask which
//! crates are in it, without its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

/// What `cargo metadata` tells, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for members of the workspace.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    /// `None` for a normal dependency.
    kind: Option<String>,
}

/// The workspace as Cargo.lock has it, for the machine that asks.
pub(crate) fn metadata() -> io::Result<Metadata> {
    let host = Command::new("rustc").arg("-vV").output()?;
    let host = String::from_utf8_lossy(&host.stdout).into_owned();
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    if let Some(host) = host {
        cargo.args(["--filter-platform", host]);
    }
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The list for `package`, which is what is linked into its programs: neither what only builds it nor
/// what only tests it.
pub(crate) fn cyclonedx(metadata: &Metadata, package: &str) -> io::Result<String> {
    let packages: BTreeMap<&str, &Package> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package))
        .collect();
    let ours = |package: &&&Package| package.source.is_none();
    let root = packages
        .values()
        .filter(ours)
        .find(|candidate| candidate.name == package)
        .ok_or_else(|| io::Error::other(format!("no package of this workspace is {package}")))?;
    let linked = closure(metadata, &root.id);
    let components: Vec<_> = linked
        .iter()
        .filter(|id| **id != root.id)
        .filter_map(|id| packages.get(id))
        .map(|package| component(package, "library"))
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(root, "application") },
        "components": components,
    });
    Ok(format!("{document:#}\n"))
}

fn closure<'a>(metadata: &'a Metadata, root: &'a str) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| (node.id.as_str(), node))
        .collect();
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if !found.insert(id) {
            continue;
        }
        let linked = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let linked = linked.filter(|below| below.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        open.extend(linked.map(|below| below.pkg.as_str()));
    }
    found
}

fn component(package: &Package, kind: &str) -> serde_json::Value {
    let (name, version) = (&package.name, &package.version);
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    });
    if let Some(license) = &package.license {
        // Older manifests wrote a slash for OR.
        let expression = license.replace('/', " OR ");
        component["licenses"] = json!([{ "expression": expression }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_what_is_linked_and_nothing_else() {
        let metadata = metadata().unwrap();
        let list: serde_json::Value =
            serde_json::from_str(&cyclonedx(&metadata, "narrows-proxy").unwrap()).unwrap();
        let components = list["components"].as_array().unwrap();
        let names: Vec<&str> = components
            .iter()
            .map(|component| component["name"].as_str().unwrap())
            .collect();
        for linked in ["narrows-endpoint", "tokio", "rustls", "toml"] {
            assert!(names.contains(&linked), "{linked}");
        }
        // Tests, build scripts, and the other programs.
        for other in ["proptest", "cc", "narrows-gateway", "narrows-proxy"] {
            assert!(!names.contains(&other), "{other}");
        }
        assert_eq!(list["metadata"]["component"]["name"], "narrows-proxy");
        let all = components.iter();
        assert!(
            all.clone()
                .all(|component| component["licenses"][0]["expression"].is_string())
        );
        assert!(cyclonedx(&metadata, "tokio").is_err());
    }
}
