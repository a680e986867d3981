//! `git clone` over HTTPS, from files that any web server can serve.

use std::process::Command;

use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! { clone: ["git"]; }

fn clone(bed: &Bed) {
    make_repository(bed);
    let mut clone = git(bed);
    clone
        .env("GIT_SSL_CAINFO", &bed.origin.tls.ca_file)
        .env("https_proxy", bed.proxy.url());
    clone.args(["clone", "--quiet", &bed.https("/files/project.git"), "copy"]);
    program::run(&mut clone);
    let text = std::fs::read_to_string(bed.home.path().join("copy/README")).unwrap();
    assert_eq!(text, "cloned through a narrow passage\n");
    assert!(!bed.tunnelled(bed.origin.https.port()).is_empty());
}

/// A bare repository with one commit under `/files/`.
fn make_repository(bed: &Bed) {
    let source = bed.home.path().join("source");
    program::run(git(bed).args(["init", "--quiet", "source"]));
    std::fs::write(source.join("README"), "cloned through a narrow passage\n").unwrap();
    let project = bed.origin.files().join("project.git");
    program::run(git(bed).args(["-C", "source", "add", "README"]));
    program::run(git(bed).args(["-C", "source", "commit", "--quiet", "--message", "One file"]));
    program::run(
        git(bed)
            .args(["clone", "--quiet", "--bare", "source"])
            .arg(&project),
    );
    program::run(git(bed).arg("-C").arg(&project).arg("update-server-info"));
}

fn git(bed: &Bed) -> Command {
    let mut git = bed.command("git");
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "Test")
            .env(format!("GIT_{role}_EMAIL"), "test@test");
    }
    git
}
