mod aside;
mod crowd;

use narrows_endpoint::Route;
use narrows_service::files::{Readers, replace};
use tempfile::TempDir;

use super::*;
use crate::cli;

/// A configuration file in a directory of its own, and who reads it.
struct House {
    dir: TempDir,
    reloader: Reloader,
    /// The default routes that were put in force.
    applied: Arc<Mutex<Vec<Route>>>,
}

impl House {
    fn with(file: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("proxy.toml");
        std::fs::write(&path, file).unwrap();
        let (cli, origins) =
            cli::parse(["narrows-proxy", "--config", path.to_str().unwrap()]).unwrap();
        let sources = Sources::new(cli.options, origins, Box::new(|_| None));
        let settings = sources.settings().unwrap();
        let ways = ways::ways(&settings, None).unwrap();
        let policy = RulePolicy::new(&settings).unwrap();
        let applied = Arc::<Mutex<Vec<Route>>>::default();
        let seen = Arc::clone(&applied);
        let apply = move |policy: RulePolicy, _: Egress, _: &Arc<Settings>, _: &Ways| {
            let target = "nobody.knows.example:443".parse().unwrap();
            let mut seen = seen.lock().unwrap();
            seen.push(policy.rules().decide(&target).route);
            1 + seen.len() as u64
        };
        Self {
            reloader: Reloader::new(
                sources,
                &settings,
                policy,
                ways,
                vec![],
                None,
                Box::new(apply),
            ),
            dir,
            applied,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the configuration as an editor that renames does.
    fn write(&self, file: &str) {
        let path = self.path("proxy.toml");
        replace(&path, file.as_bytes(), Readers::Owner).unwrap();
    }

    fn refused(&self) -> String {
        match self.reloader.reload() {
            Outcome::Refused(why) => why.join("\n"),
            other => panic!("{other:?}"),
        }
    }

    fn applied(&self) -> Vec<Route> {
        self.applied.lock().unwrap().clone()
    }
}

#[test]
fn a_change_counts_when_two_looks_show_the_same() {
    let house = House::with("");
    assert_eq!(house.reloader.look(), None);
    house.write("rules.default = \"deny\"");
    assert_eq!(house.reloader.look(), None, "it may be half written");
    house.write("rules.default = \"deny\"\n");
    assert_eq!(house.reloader.look(), None, "it was half written");
    let Some(Outcome::Applied { generation, .. }) = house.reloader.look() else {
        panic!("{:?}", house.reloader.status());
    };
    assert_eq!((generation, house.applied()), (2, vec![Route::Deny]));
    assert_eq!(house.reloader.look(), None);
}

/// Nobody writes into it: whoever waited for that would never read a configuration again.
#[test]
fn a_pipe_in_place_of_a_file_holds_nothing_up() {
    let house = House::with("");
    let pipe = house.path("token");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let url = "gateway.url = \"https://gw.example\"";
    house.write(&format!(
        "{url}\ngateway.token_file = \"{}\"\n",
        pipe.display()
    ));
    let said = house.refused();
    assert!(
        said.contains("proxy.toml:2: gateway.token_file: "),
        "{said}"
    );
    assert!(said.contains("not a regular file"), "{said}");
    std::fs::remove_file(house.path("proxy.toml")).unwrap();
    std::fs::rename(&pipe, house.path("proxy.toml")).unwrap();
    assert!(house.refused().contains("not a regular file"));
}

/// Whoever reads only what the reload said must not take it for a configuration that denies.
#[test]
fn report_only_is_said_loudly_when_a_reload_turns_it_on() {
    let house = House::with("rules.deny = [\"a.example\"]\n");
    house.write("[rules]\ndeny = [\"a.example\"]\nreport_only = true\n");
    let lines = house.reloader.reload().lines();
    assert!(lines[0].ends_with(" rules, REPORT-ONLY"), "{lines:?}");
    assert!(lines[1].starts_with("warning: REPORT-ONLY: "), "{lines:?}");
    house.write("rules.deny = [\"a.example\"]\n");
    let lines = house.reloader.reload().lines();
    assert!(!lines.concat().contains("REPORT-ONLY"), "{lines:?}");
}

/// Row 45: the old configuration holds, and the status says why, with the line.
#[test]
fn row_45_a_broken_file_changes_nothing_and_is_told_with_its_line() {
    let house = House::with("rules.default = \"deny\"\n");
    let before = house.reloader.status();
    house.write("\n[rules]\ndefalt = \"direct\"\n");
    let said = house.refused();
    assert!(
        said.contains(
            "proxy.toml:3: unknown key \"defalt\" in [rules] (did you mean \"default\"?)"
        ),
        "{said}"
    );
    let status = house.reloader.status();
    assert_eq!(
        (status.generation, &status.hash, status.loaded),
        (1, &before.hash, before.loaded)
    );
    assert!(status.refused.unwrap().why[0].contains("proxy.toml:3"));
    assert!(house.applied().is_empty());
    // Asked again it says so again; mended it is taken.
    house.refused();
    house.write("rules.default = \"direct\"\n");
    assert!(matches!(house.reloader.reload(), Outcome::Applied { .. }));
    let status = house.reloader.status();
    assert_eq!((status.generation, status.refused), (2, None));
    assert_ne!(status.hash, before.hash);
}

/// Row 45: every prefix of a good file is refused or a configuration of its own; none is taken by a look
/// while it grows.
#[test]
fn row_45_a_half_written_file_is_left_alone() {
    let house = House::with("rules.default = \"deny\"\n");
    let text = "[rules]\ndefault = \"direct\"\ndeny = [\"a.example\"]\n";
    for end in 0..text.len() {
        // In place, as an editor that does not rename.
        std::fs::write(house.path("proxy.toml"), &text[..end]).unwrap();
        assert_eq!(house.reloader.look(), None);
    }
    assert!(house.applied().is_empty());
}

#[test]
fn a_file_that_is_gone_is_not_the_defaults() {
    let house = House::with("rules.default = \"deny\"\n");
    std::fs::remove_file(house.path("proxy.toml")).unwrap();
    assert!(
        house
            .refused()
            .contains("proxy.toml: it was read before, and is gone")
    );
    assert!(house.applied().is_empty());
}

/// Row 46: time that goes back, as by a restored backup, is a change like any other.
#[test]
fn row_46_a_file_of_yesterday_is_a_change() {
    let house = House::with("rules.default = \"deny\"\n");
    house.write("rules.default = \"proxy\"\nproxy.url = \"http://p:1\"\n");
    let file = std::fs::File::options()
        .write(true)
        .open(house.path("proxy.toml"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400))
        .unwrap();
    assert_eq!(house.reloader.look(), None);
    assert!(house.reloader.look().is_some());
    assert_eq!(house.applied(), [Route::Proxy]);
}

#[test]
fn a_secret_that_changes_is_a_change_and_one_that_is_missing_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, "one\n").unwrap();
    let file =
        format!("[proxy]\nurl = \"http://p:1\"\nuser = \"svc\"\npassword_file = {password:?}\n");
    let house = House::with(&file);
    assert_eq!(house.reloader.reload(), Outcome::Unchanged);
    let upstream = |house: &House| house.reloader.lock().ways.upstreams.clone().unwrap();
    let before = upstream(&house);
    replace(&password, b"two\n", Readers::Owner).unwrap();
    assert_eq!(house.reloader.look(), None);
    assert!(matches!(
        house.reloader.look(),
        Some(Outcome::Applied { .. })
    ));
    assert!(
        !Arc::ptr_eq(&before, &upstream(&house)),
        "it begins anew with a new password"
    );
    std::fs::remove_file(&password).unwrap();
    let said = house.refused();
    assert!(
        said.contains("proxy.toml:4: proxy.password_file: "),
        "{said}"
    );
    assert_eq!(house.applied().len(), 1);
}

/// Row 32, over a reload: what was learnt of credentials, and sessions that are warm, belong to parties that
/// stay.
#[tokio::test]
async fn row_32_parties_that_have_not_changed_stay() {
    let base = "proxy.url = \"http://u:p@p:1\"\ngateway.url = \"https://gw.example\"\n";
    let house = House::with(base);
    let parties = || {
        let ways = house.reloader.lock().ways.clone();
        (ways.upstreams.unwrap(), ways.gateway.unwrap())
    };
    let (upstream, gateway) = parties();
    house.write(&format!("{base}rules.default = \"deny\"\n"));
    assert!(matches!(house.reloader.reload(), Outcome::Applied { .. }));
    let after = parties();
    assert!(Arc::ptr_eq(&upstream, &after.0) && Arc::ptr_eq(&gateway, &after.1));
    house.write(&format!("{base}gateway.protocol = \"h1\"\n"));
    assert!(matches!(house.reloader.reload(), Outcome::Applied { .. }));
    let after = parties();
    assert!(Arc::ptr_eq(&upstream, &after.0) && !Arc::ptr_eq(&gateway, &after.1));
    // Another password is another party, and the gateway is reached through it.
    house.write(&base.replace("u:p@", "u:q@"));
    assert!(matches!(house.reloader.reload(), Outcome::Applied { .. }));
    let last = parties();
    assert!(!Arc::ptr_eq(&upstream, &last.0) && !Arc::ptr_eq(&after.1, &last.1));
}

#[test]
fn what_needs_a_restart_is_said() {
    let house = House::with("");
    house.write(
        "listen = [\"127.0.0.1:1\"]\nlog.file = \"x.log\"\nrules.default = \"deny\"\nadmin.listen = \"127.0.0.1:2\"\n",
    );
    let outcome = house.reloader.reload();
    let lines = outcome.lines();
    assert_eq!(
        lines[1],
        "warning: admin is not what this process was started with: restart it to apply that"
    );
    assert!(lines[2].starts_with("warning: listen is not "), "{lines:?}");
    assert!(lines[3].starts_with("warning: log is not "), "{lines:?}");
    assert_eq!(house.reloader.status().waiting, ["admin", "listen", "log"]);
    assert_eq!(house.applied(), [Route::Deny]);
    house.write("rules.default = \"direct\"\n");
    house.reloader.reload();
    assert!(house.reloader.status().waiting.is_empty());
}

#[test]
fn a_running_proxy_leaves_word_of_its_file() {
    let House { dir, reloader, .. } = &mut House::with("");
    let (here, path) = (dir.path().to_str().unwrap(), dir.path().join("proxy.toml"));
    let lookup = |name: &str| (name == "RUNTIME_DIRECTORY").then(|| here.to_owned());
    reloader.notice = Notice::new(Some(&path), &lookup);
    reloader.tell();
    let word = find(&path, &lookup).unwrap();
    assert_eq!((word.generation, word.refused), (1, None));
    assert_eq!(word.read, Some(posture::sha256(b"")));
    assert!(find(&dir.path().join("another.toml"), &lookup).is_none());
    reloader.notice = None;
    assert!(find(&path, &lookup).is_none());
}

/// The digest of a file with a password in it is enough to try passwords on.
#[test]
fn the_word_is_for_those_who_may_read_the_file() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    let House { dir, reloader, .. } = &mut House::with("");
    let (here, path) = (dir.path().join("run"), dir.path().join("proxy.toml"));
    let lookup = |name: &str| (name == "RUNTIME_DIRECTORY").then(|| here.display().to_string());
    reloader.notice = Notice::new(Some(&path), &lookup);
    for (file, word) in [(0o600, 0o600), (0o640, 0o600), (0o644, 0o644)] {
        std::fs::set_permissions(&path, Permissions::from_mode(file)).unwrap();
        reloader.tell();
        let entry = std::fs::read_dir(&here).unwrap().next().unwrap().unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & !word, 0, "{mode:o}");
        assert_eq!(mode & 0o004, word & 0o004, "{mode:o}");
    }
}

#[test]
fn the_word_of_the_next_process_stays() {
    let House { dir, reloader, .. } = &mut House::with("");
    let (here, path) = (dir.path().join("run"), dir.path().join("proxy.toml"));
    let lookup = |name: &str| (name == "RUNTIME_DIRECTORY").then(|| here.display().to_string());
    reloader.notice = Notice::new(Some(&path), &lookup);
    reloader.tell();
    let file = std::fs::read_dir(&here).unwrap().next().unwrap().unwrap();
    let mut word = find(&path, &lookup).unwrap();
    // Some process that is there.
    word.process = rustix::process::getppid().unwrap().as_raw_nonzero().get();
    std::fs::write(file.path(), serde_json::to_vec(&word).unwrap()).unwrap();
    reloader.notice = None;
    assert_eq!(find(&path, &lookup).unwrap().process, word.process);
}
