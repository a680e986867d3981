//! The oldest toolchain that builds us, as the manifests state it.

use crate::workspace::Package;

/// Breaches: a package that asks for a newer toolchain than `oldest`, the `rust-version` that we promise.
///
/// # Panics
///
/// When `oldest` is not a version.
pub fn check<'a>(packages: impl IntoIterator<Item = &'a Package>, oldest: &str) -> Vec<String> {
    let promised = numbers(oldest).expect("our own rust-version");
    let newer = |package: &&Package| {
        let asked = package.rust_version.as_deref().and_then(numbers);
        asked.is_some_and(|asked| asked > promised)
    };
    let breach = |package: &Package| {
        let asked = package.rust_version.as_deref().unwrap_or_default();
        format!(
            "{} {}: wants Rust {asked}, and we promise {oldest}",
            package.name, package.version
        )
    };
    packages.into_iter().filter(newer).map(breach).collect()
}

/// `rust-version` of the workspace.
///
/// # Panics
///
/// When the root manifest is not TOML or states none.
pub fn promised(manifest: &str) -> String {
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    let version = manifest["workspace"]["package"]["rust-version"].as_str();
    version.expect("a version is text").to_owned()
}

/// `1.88` and `1.88.0` are the same.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(str::parse);
    let major = parts.next()?.ok()?;
    let mut rest = || parts.next().unwrap_or(Ok(0)).ok();
    Some([major, rest()?, rest()?])
}
