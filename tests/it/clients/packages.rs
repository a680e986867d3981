//! Package managers: apt over plain HTTP and over HTTPS, pip and npm over HTTPS, each from a repository of one
//! package.

use std::fs;
use std::path::Path;

use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! {
    apt: ["apt-get", "dpkg-deb", "sha256sum"];
    apt_https: ["apt-get", "dpkg-deb", "sha256sum"];
    pip: ["python3"];
    npm: ["npm"];
}

fn apt(bed: &Bed) {
    apt_from(bed, &bed.http("/files/apt"));
    assert!(
        bed.forwarded(bed.origin.http.port()).len() >= 3,
        "index, release and package"
    );
}

fn apt_https(bed: &Bed) {
    apt_from(bed, &bed.https("/files/apt"));
    assert!(!bed.tunnelled(bed.origin.https.port()).is_empty());
}

/// Updates from this repository, and downloads its package.
fn apt_from(bed: &Bed, repository: &str) {
    make_repository(bed);
    let home = bed.home.path();
    for directory in [
        "etc/apt/preferences.d",
        "lists/partial",
        "cache/archives/partial",
    ] {
        fs::create_dir_all(home.join(directory)).unwrap();
    }
    fs::write(home.join("status"), "").unwrap();
    let source = format!("deb [trusted=yes] {repository} ./\n");
    fs::write(home.join("sources.list"), source).unwrap();
    fs::write(home.join("apt.conf"), apt_config(bed)).unwrap();
    for arguments in [&["update"][..], &["download", "narrows-sample"]] {
        let mut apt = bed.command("apt-get");
        apt.env("APT_CONFIG", home.join("apt.conf"));
        program::run(apt.arg("--quiet").args(arguments));
    }
    let copy = fs::read(home.join("narrows-sample_1.0_all.deb")).unwrap();
    let original = fs::read(bed.origin.files().join("apt/narrows-sample_1.0_all.deb")).unwrap();
    assert!(copy == original, "the package differs");
}

/// Everything that apt reads or writes is in the test's own directory.
fn apt_config(bed: &Bed) -> String {
    let (home, proxy) = (bed.home.path().display(), bed.proxy.url());
    let ca_file = bed.origin.tls.ca_file.display();
    format!(
        "#clear Acquire::http::Proxy-Auto-Detect;\n\
         Acquire::http::Proxy \"{proxy}\";\n\
         Acquire::https::Proxy \"{proxy}\";\n\
         Acquire::https::CAInfo \"{ca_file}\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"0\";\n\
         APT::Sandbox::User \"\";\n\
         Dir::Etc \"{home}/etc/apt\";\n\
         Dir::Etc::sourcelist \"{home}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::State::lists \"{home}/lists\";\n\
         Dir::State::status \"{home}/status\";\n\
         Dir::Cache \"{home}/cache\";\n\
         Dir::Log \"{home}\";\n"
    )
}

/// A flat repository with one package under `/files/apt`.
fn make_repository(bed: &Bed) {
    let control = "Package: narrows-sample\nVersion: 1.0\nArchitecture: all\n\
        Maintainer: Test <test@test>\nDescription: A package that says nothing\n";
    let repository = bed.origin.files().join("apt");
    let package = bed.home.path().join("package");
    fs::create_dir_all(&repository).unwrap();
    fs::create_dir_all(package.join("DEBIAN")).unwrap();
    fs::write(package.join("DEBIAN/control"), control).unwrap();
    let file = repository.join("narrows-sample_1.0_all.deb");
    let mut build = bed.command("dpkg-deb");
    program::run(
        build
            .args(["--root-owner-group", "--build"])
            .arg(&package)
            .arg(&file),
    );
    let about = about(bed, &file);
    let entry = format!(
        "{control}Filename: ./narrows-sample_1.0_all.deb\nSize: {}\nSHA256: {}\n",
        about.0, about.1
    );
    fs::write(repository.join("Packages"), entry).unwrap();
    let (size, sum) = self::about(bed, &repository.join("Packages"));
    fs::write(
        repository.join("Release"),
        format!("SHA256:\n {sum} {size} Packages\n"),
    )
    .unwrap();
}

/// Size and SHA-256 of a file.
fn about(bed: &Bed, file: &Path) -> (u64, String) {
    let sum = program::run(bed.command("sha256sum").arg(file));
    (
        file.metadata().unwrap().len(),
        sum.split(' ').next().unwrap().to_owned(),
    )
}

/// Writes a wheel and its simple index below the directory that is its argument.
const MAKE_WHEEL: &str = r#"
import pathlib, sys, zipfile
root = pathlib.Path(sys.argv[1])
page = root / "simple" / "narrows-sample"
page.mkdir(parents=True)
name = "narrows_sample-1.0-py3-none-any.whl"
info = "narrows_sample-1.0.dist-info/"
with zipfile.ZipFile(page / name, "w") as wheel:
    wheel.writestr("narrows_sample.py", "")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: narrows-sample\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
(page / "index.html").write_text(f'<!DOCTYPE html><a href="{name}">{name}</a>')
"#;

fn pip(bed: &Bed) {
    let has_pip = bed
        .command("python3")
        .args(["-m", "pip", "--version"])
        .output()
        .unwrap();
    if !has_pip.status.success() && !program::skip("Python's pip is not installed") {
        return;
    }
    let mut python = bed.command("python3");
    program::run(python.args(["-c", MAKE_WHEEL]).arg(bed.origin.files()));
    let mut pip = bed.command("python3");
    pip.args([
        "-m",
        "pip",
        "--isolated",
        "--disable-pip-version-check",
        "download",
    ]);
    pip.args(["--no-cache-dir", "--no-deps", "--dest", "wheels"]);
    pip.args([
        "--proxy",
        &bed.proxy.url(),
        "--index-url",
        &bed.https("/files/simple"),
    ]);
    program::run(
        pip.arg("--cert")
            .arg(&bed.origin.tls.ca_file)
            .arg("narrows-sample"),
    );
    let name = "narrows_sample-1.0-py3-none-any.whl";
    let copy = fs::read(bed.home.path().join("wheels").join(name)).unwrap();
    let original = bed.origin.files().join("simple/narrows-sample").join(name);
    assert!(copy == fs::read(original).unwrap(), "the wheel differs");
    assert!(!bed.tunnelled(bed.origin.https.port()).is_empty());
}

fn npm(bed: &Bed) {
    make_registry(bed);
    let mut npm = bed.command("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--fetch-retries=0",
    ]);
    npm.args([
        "--registry",
        &bed.https("/files/npm/"),
        "--https-proxy",
        &bed.proxy.url(),
    ]);
    npm.arg("--cafile").arg(&bed.origin.tls.ca_file);
    program::run(npm.args([
        "--update-notifier=false",
        "--prefix",
        "project",
        "narrows-sample",
    ]));
    let copy = bed
        .home
        .path()
        .join("project/node_modules/narrows-sample/index.js");
    assert_eq!(fs::read_to_string(copy).unwrap(), MODULE);
    assert!(!bed.tunnelled(bed.origin.https.port()).is_empty());
}

/// A registry with one package under `/files/npm`.
fn make_registry(bed: &Bed) {
    let source = bed.home.path().join("source");
    let registry = bed.origin.files().join("npm");
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(&registry).unwrap();
    let manifest = serde_json::json!({ "name": "narrows-sample", "version": "1.0.0" });
    fs::write(source.join("package.json"), manifest.to_string()).unwrap();
    fs::write(source.join("index.js"), MODULE).unwrap();
    let mut pack = bed.command("npm");
    pack.args([
        "pack",
        "--offline",
        "--update-notifier=false",
        "--pack-destination",
    ]);
    program::run(pack.arg(&registry).arg(&source));
    let mut version = manifest.clone();
    let tarball = bed.https("/files/npm/narrows-sample-1.0.0.tgz");
    version["dist"] = serde_json::json!({ "tarball": tarball });
    let package = serde_json::json!({
        "name": "narrows-sample",
        "dist-tags": { "latest": "1.0.0" },
        "versions": { "1.0.0": version },
    });
    fs::write(registry.join("narrows-sample"), package.to_string()).unwrap();
}

const MODULE: &str = "module.exports = \"says nothing\";\n";
