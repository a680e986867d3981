use super::*;
use crate::cli;

fn settings(file: &str) -> Settings {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, file).unwrap();
    let (cli, origins) = cli::parse(["narrows-proxy", "--config", path.to_str().unwrap()]).unwrap();
    Settings::resolve(&cli.options, &origins, |_| None).unwrap()
}

fn hash(file: &str) -> String {
    fingerprint(&settings(file))
}

#[test]
fn the_digest_tells_what_holds_and_not_how_it_is_written() {
    let one = hash("rules.deny = [\"a.example\", \"b.example\"]\nproxy.url = \"http://p:1\"\n");
    let same =
        "# why\nproxy.url = \"http://P:1/\"\n[rules]\ndeny = [\n\"B.example.\",\n\"a.example\"]\n";
    assert_eq!(one, hash(same));
    assert!(one.starts_with("sha256:") && one.len() == 23, "{one}");
    for other in [
        "",
        "rules.deny = [\"a.example\"]\nproxy.url = \"http://p:1\"\n",
        "rules.bypass = [\"a.example\", \"b.example\"]\nproxy.url = \"http://p:1\"\n",
        "rules.deny = [\"a.example\", \"b.example\"]\nproxy.url = \"http://p:2\"\n",
        "rules.deny = [\"a.example\", \"b.example\"]\nproxy.url = \"http://p:1\"\ndrain.seconds = 1\n",
        "rules.deny = [\"a.example\", \"b.example\"]\nproxy.url = \"http://p:1\"\nrules.catalogue = false\n",
    ] {
        assert_ne!(one, hash(other), "{other}");
    }
}

#[test]
fn the_digest_tells_whom_tls_trusts_and_how_passwords_go() {
    let dir = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, made.cert.pem()).unwrap();
        path.display().to_string()
    };
    let (one, other) = (authority("one"), authority("other"));
    let copy = dir.path().join("copy").display().to_string();
    std::fs::copy(&one, &copy).unwrap();
    let proxy = |ca: &str, mode: &str| {
        hash(&format!(
            "[proxy]\nurl = \"https://u:p@p.example:1\"\nca_file = \"{ca}\"\nauthentication = \"{mode}\"\n"
        ))
    };
    assert_eq!(proxy(&one, "auto"), proxy(&copy, "auto"));
    assert_ne!(proxy(&one, "auto"), proxy(&other, "auto"));
    assert_ne!(proxy(&one, "auto"), proxy(&one, "basic"));
    let gateway = |ca: &str| {
        hash(&format!(
            "gateway.url = \"https://gw.example\"\ngateway.ca_file = \"{ca}\"\n"
        ))
    };
    assert_eq!(gateway(&one), gateway(&copy));
    assert_ne!(gateway(&one), gateway(&other));
}

/// Row 50: whoever sees the digest cannot try passwords against it.
#[test]
fn row_50_no_secret_is_in_the_digest_or_the_report() {
    let file = |password: &str| format!("proxy.url = \"http://svc:{password}@p:1\"\n");
    assert_eq!(hash(&file("one")), hash(&file("two")));
    let settings = settings(&file("s3cret"));
    let rules = crate::rules::rule_set(&settings).unwrap();
    let report = report(&settings, &rules);
    assert!(report.contains("http://***@p:1"), "{report}");
    assert!(!report.contains("s3cret") && !format!("{settings:?}").contains("s3cret"));
}

#[test]
fn the_report_has_counts_and_the_default_route() {
    let settings = settings("rules.deny = [\"a.example\"]\nrules.default = \"deny\"\n");
    let rules = crate::rules::rule_set(&settings).unwrap();
    let report = report(&settings, &rules);
    for row in [
        "Listening on                            : 127.0.0.1:40343\n",
        "proxy.toml:2)\n",
        ": 1 deny, 0 never by the gateway, 0 bypass, 0 by the gateway\n",
        "Upstream proxy                          : none\n",
    ] {
        assert!(report.contains(row), "{row:?} not in\n{report}");
    }
}
