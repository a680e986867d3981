//! Package managers: apt over plain HTTP, pip over HTTPS, each from a repository of one package.

use std::fs;
use std::path::Path;

use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! {
    apt: ["apt-get", "dpkg-deb", "sha256sum"];
    pip: ["python3"];
}

fn apt(bed: &Bed) {
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
    let source = format!("deb [trusted=yes] {} ./\n", bed.http("/files/apt"));
    fs::write(home.join("sources.list"), source).unwrap();
    fs::write(home.join("apt.conf"), apt_config(home, &bed.proxy.url())).unwrap();
    for arguments in [&["update"][..], &["download", "narrows-sample"]] {
        let mut apt = bed.command("apt-get");
        apt.env("APT_CONFIG", home.join("apt.conf"));
        program::run(apt.arg("--quiet").args(arguments));
    }
    let copy = fs::read(home.join("narrows-sample_1.0_all.deb")).unwrap();
    let original = fs::read(bed.origin.files().join("apt/narrows-sample_1.0_all.deb")).unwrap();
    assert!(copy == original, "the package differs");
    assert!(
        bed.forwarded(bed.origin.http.port()).len() >= 3,
        "index, release and package"
    );
}

/// Everything that apt reads or writes is in the test's own directory.
fn apt_config(home: &Path, proxy: &str) -> String {
    let home = home.display();
    format!(
        "#clear Acquire::http::Proxy-Auto-Detect;\n\
         Acquire::http::Proxy \"{proxy}\";\n\
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
