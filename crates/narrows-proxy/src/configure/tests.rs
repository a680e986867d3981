use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;
use crate::cli;

mod mistakes;

/// A directory with a configuration file, or room for one.
struct House(TempDir);

impl House {
    fn with(file: &str) -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        fs::write(house.path(), file).unwrap();
        house
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("proxy.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn obey(&self, command: &ConfigCommand) -> Result<Said, ConfigureError> {
        let path = self.path();
        let line = ["narrows-proxy", "--config", path.to_str().unwrap()];
        let (cli, origins) = cli::parse(line).unwrap();
        let directory = self.0.path().to_str().unwrap().to_owned();
        let lookup = move |name: &str| (name == "RUNTIME_DIRECTORY").then(|| directory.clone());
        obey(
            command,
            &Sources::new(cli.options, origins, Box::new(lookup)),
        )
    }

    fn set(&self, key: &str, value: &str) -> Result<Said, ConfigureError> {
        self.obey(&ConfigCommand::Set {
            key: key.to_owned(),
            value: vec![value.to_owned()],
        })
    }

    fn get(&self, key: &str) -> String {
        let key = key.to_owned();
        self.obey(&ConfigCommand::Get { key }).unwrap().text
    }

    /// What is wrong, without the directory.
    fn refused(&self, command: &ConfigCommand) -> String {
        let error = self.obey(command).unwrap_err();
        let hint = error.hint().map(|hint| format!("\nhint: {hint}"));
        let said = format!("{error}{}", hint.unwrap_or_default());
        said.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn set_changes_one_value_and_leaves_the_rest() {
    let house = House::with(
        "# Ours.\n[proxy] # the old one\nurl = \"http://old:1\" # until March\n\n[rules]\ndeny = [\n  \"a.example\", # ads\n]\n",
    );
    fs::set_permissions(house.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let said = house.set("proxy.url", "http://new:2").unwrap();
    assert_eq!(
        said.text,
        "Config property proxy.url set to value http://new:2\nNo running proxy is known to use this file; it holds from the next start\n"
    );
    house.set("proxy.bypass", "AMA,Arc").unwrap();
    house.set("listen", "127.0.0.1:40344").unwrap();
    house.set("limits.tunnels", "100").unwrap();
    house.set("rules.catalogue", "false").unwrap();
    assert_eq!(
        house.text(),
        "listen = [\"127.0.0.1:40344\"]\n# Ours.\n[proxy] # the old one\nurl = \"http://new:2\" # until March\nbypass = [\"AMA\", \"Arc\"]\n\n[rules]\ndeny = [\n  \"a.example\", # ads\n]\ncatalogue = false\n\n[limits]\ntunnels = 100\n"
    );
    assert_eq!(house.get("proxy.bypass"), "[AMA,Arc]\n");
    let mode = fs::metadata(house.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let key = "proxy.url".to_owned();
    let said = house.obey(&ConfigCommand::Unset { key }).unwrap();
    assert!(
        said.text
            .starts_with("Config property proxy.url cleared; it is HTTPS_PROXY\n")
    );
    assert!(house.text().contains("[proxy] # the old one\nbypass = "));
}

#[test]
fn dotted_keys_stay_dotted() {
    let house = House::with("proxy.url = \"http://old:1\"\n");
    house.set("proxy.url", "http://new:2").unwrap();
    house.set("proxy.bypass", "[\"Arc\"]").unwrap();
    assert_eq!(
        house.text(),
        "proxy.url = \"http://new:2\"\nproxy.bypass = [\"Arc\"]\n"
    );
}

#[test]
fn the_list_looks_like_azcmagents() {
    let house = House::with("proxy.bypass = [\"AMA\", \"Arc\"]\nconnection.type = \"direct\"\n");
    let text = house.obey(&ConfigCommand::List).unwrap().text;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "Local Configuration Settings");
    for line in [
        "  listen                                                : [127.0.0.1:40343]",
        "  connection.type                                       : direct",
        "  proxy.bypass                                          : [AMA,Arc]",
        "  gateway.url                                           : ",
        "  gateway.fallback                                      : proxy with an upstream, else direct",
    ] {
        assert!(lines.contains(&line), "{line:?} not in\n{text}");
    }
    assert_eq!(lines.len(), 1 + KEYS.0.len());
}

#[test]
fn keys_of_several_sections_are_shown_as_a_list_and_set_by_hand() {
    let file = "[[log.sinks]]\nto = \"stdout\"\n[[log.sinks]]\nto = \"/tmp/b\"\nrotate_mib = 1\n";
    let house = House::with(file);
    assert_eq!(house.get("log.sinks[].to"), "[stdout,/tmp/b]\n");
    assert_eq!(house.get("log.sinks[].rotate_mib"), "[1]\n");
    let said = house.refused(&ConfigCommand::Unset {
        key: "log.sinks[].to".to_owned(),
    });
    assert!(said.contains("hint: edit the file"), "{said}");
    assert_eq!(house.text(), file);
}

/// Row 50: what `config` prints holds no password, and neither does what it says of a refused change.
#[test]
fn row_50_no_command_prints_a_secret() {
    let house = House::with("proxy.url = \"http://svc:p@s3cret/#@p:1\"\n");
    let list = house.obey(&ConfigCommand::List).unwrap().text;
    assert!(
        list.contains("http://***@p:1\n") && !list.contains("s3cret"),
        "{list}"
    );
    assert_eq!(house.get("proxy.url"), "http://***@p:1\n");
    let said = house
        .set("proxy.url", "http://svc:s3cret@new:1")
        .unwrap()
        .text;
    assert!(
        said.contains("set to value http://***@new:1\n") && !said.contains("s3cret"),
        "{said}"
    );
    let check = house.obey(&ConfigCommand::Check).unwrap().text;
    assert!(
        check.contains("http://***@new:1") && !check.contains("s3cret"),
        "{check}"
    );
    let refused = house.refused(&ConfigCommand::Set {
        key: "proxy.url".to_owned(),
        value: vec!["gopher://svc:s3cret@p:1".to_owned()],
    });
    assert!(!refused.contains("s3cret"), "{refused}");
}

#[test]
fn a_new_file_is_for_its_owner_and_a_missing_directory_is_said() {
    let house = House(tempfile::tempdir().unwrap());
    house.set("rules.default", "deny").unwrap();
    assert_eq!(house.text(), "[rules]\ndefault = \"deny\"\n");
    let mode = fs::metadata(house.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (cli, origins) = cli::parse(["x", "--config", "/nonexistent/proxy.toml"]).unwrap();
    let sources = Sources::new(cli.options, origins, Box::new(|_| None));
    let key = "rules.default".to_owned();
    let error = obey(&ConfigCommand::Unset { key }, &sources).unwrap_err();
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("make its directory first")
    );
    assert_eq!(error.exit(), Exit::Failure);
}

#[test]
fn an_unknown_key_has_a_near_one() {
    let house = House::with("");
    let key = "proxy.ulr".to_owned();
    assert_eq!(
        house.refused(&ConfigCommand::Get { key }),
        "unknown key \"proxy.ulr\" (did you mean \"proxy.url\"?)\nhint: narrows-proxy config list shows every key"
    );
}

/// Whatever is set, the file is one that a proxy would start with, or is left as it was.
#[test]
fn set_never_leaves_a_broken_file() {
    let values = [
        "",
        "[\"a\"",
        "\"",
        "-1",
        "*",
        "a
b = 1",
        "[[]]",
        "0.0.0.0:1",
        "/nonexistent",
    ];
    let house = House::with("# kept\n[limits]\ntunnels = 7\n");
    let (mut taken, mut refused) = (0, 0);
    for key in KEYS.0 {
        for value in values {
            let before = house.text();
            match house.set(key.path, value) {
                Ok(_) => {
                    taken += 1;
                    house.obey(&ConfigCommand::Check).unwrap();
                    fs::write(house.path(), "# kept\n[limits]\ntunnels = 7\n").unwrap();
                }
                Err(_) => {
                    refused += 1;
                    assert_eq!(house.text(), before, "{} = {value:?}", key.path);
                }
            }
        }
    }
    assert!(taken > 10 && refused > 200, "{taken} {refused}");
}

#[test]
fn what_a_running_proxy_says_is_passed_on() {
    let word = |refused: Option<&str>, waiting: &[&str]| -> Word {
        let refused = refused.map(|why| serde_json::json!({"at": 0, "why": [why]}));
        serde_json::from_value(serde_json::json!({
            "generation": 3, "hash": "", "process": 7, "read": null, "refused": refused, "waiting": waiting,
        }))
        .unwrap()
    };
    let (listen, url) = (find("listen").unwrap(), find("proxy.url").unwrap());
    let format = find("log.format").unwrap();
    for (word, key, exit, told) in [
        (
            word(None, &[]),
            url,
            Exit::Clean,
            "Applied by process 7, generation 3",
        ),
        (
            word(None, &["listen"]),
            url,
            Exit::Clean,
            "Applied by process 7, generation 3",
        ),
        (
            word(None, &["listen"]),
            listen,
            Exit::Clean,
            "Process 7 needs a restart for it",
        ),
        (
            word(None, &["log"]),
            format,
            Exit::Clean,
            "Process 7 needs a restart for it",
        ),
        (
            word(Some("error: x"), &[]),
            url,
            Exit::Failure,
            "Process 7 did not take it, and goes on as before:\nerror: x",
        ),
    ] {
        assert_eq!(verdict(&word, key), (exit, told.to_owned()));
    }
}
