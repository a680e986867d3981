use std::path::Path;

use super::*;
use crate::cli;
use crate::settings::Settings;

/// A directory with a CA certificate, a client's certificate and key, and secrets.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = rcgen::generate_simple_self_signed(["client.example".to_owned()]).unwrap();
        for (name, text) in [
            ("cert.pem", own.cert.pem().as_str()),
            ("key.pem", &own.signing_key.serialize_pem()),
            ("token", "s3cret.tok-en\r\n"),
            ("password", "s3cret:word\n"),
            ("empty", "\n"),
            ("two-lines", "s3cret\n\n"),
            ("header", "Bearer s3cret"),
        ] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Settings from arguments and a file; `DIR/` in them is the directory.
    fn resolve(&self, args: &[&str], file: &str) -> Result<Settings, String> {
        let dir = format!("{}/", self.path().display());
        let config = self.path().join("proxy.toml");
        std::fs::write(&config, file.replace("DIR/", &dir)).unwrap();
        let args = args.iter().map(|arg| arg.replace("DIR/", &dir));
        let config = ["--config".to_owned(), config.display().to_string()];
        let line = std::iter::once("narrows-proxy".to_owned()).chain(args);
        let (cli, origins) = cli::parse(line.chain(config)).unwrap();
        let settings = Settings::resolve(&cli.options, &origins, |_| None);
        settings.map_err(|problems| problems.to_string().replace(&dir, ""))
    }

    fn leg(&self, args: &[&str], file: &str) -> Option<Leg> {
        self.resolve(args, file).unwrap().gateway.leg
    }

    /// One problem that contains every part and no secret.
    #[track_caller]
    fn refuses(&self, args: &[&str], file: &str, parts: &[&str]) {
        let error = self.resolve(args, file).unwrap_err();
        assert_eq!(error.matches("error: ").count(), 1, "{error}");
        for part in parts {
            assert!(error.contains(part), "{part:?} not in\n{error}");
        }
        assert!(!error.contains("s3cret"), "{error}");
    }
}

const URL: &str = "[gateway]\nurl = \"https://gw.example\"\n";
const PROXY: &str = "proxy.url = \"http://p:1\"\n";

#[test]
fn who_names_the_gateway() {
    let files = Files::new();
    let named = |args: &[&str], file: &str| {
        let leg = files.leg(args, file)?;
        let source = leg.source.to_string();
        Some(format!(
            "{} ({})",
            leg.address,
            source.rsplit('/').next().unwrap()
        ))
    };
    let flag = &["--gateway", "https://Flag.example:8443/"];
    for (args, file, expected) in [
        (&[][..], "", None),
        (&[], URL, Some("gw.example:443 (proxy.toml:2)")),
        (flag, "", Some("flag.example:8443 (argument --gateway)")),
        (flag, URL, Some("flag.example:8443 (argument --gateway)")),
        (
            flag,
            "connection.type = \"gateway\"",
            Some("flag.example:8443 (argument --gateway)"),
        ),
        (flag, "connection.type = \"direct\"", None),
    ] {
        assert_eq!(named(args, file).as_deref(), expected, "{args:?} {file}");
    }
}

#[test]
fn the_way_to_the_gateway() {
    let files = Files::new();
    let bypass = &["--bypass", "*.example"];
    for (args, file, expected) in [
        (&[][..], URL.to_owned(), false),
        (&[], format!("{PROXY}{URL}"), true),
        (&[], format!("{PROXY}{URL}through_proxy = false"), false),
        (bypass, format!("{PROXY}{URL}"), false),
        (bypass, format!("{PROXY}{URL}through_proxy = true"), true),
    ] {
        let leg = files.leg(args, &file).unwrap();
        assert_eq!(leg.through_proxy, expected, "{args:?} {file}");
    }
}

#[test]
fn protocols() {
    let files = Files::new();
    for (line, expected) in [
        ("", "auto"),
        ("protocol = \"auto\"", "auto"),
        ("protocol = \"h1\"", "h1"),
        ("protocol = \"h2\"", "h2"),
    ] {
        let leg = files.leg(&[], &format!("{URL}{line}")).unwrap();
        assert_eq!(leg.protocol(), expected);
    }
}

/// What shows of a configuration: kinds of credentials, and never a secret.
#[test]
fn credentials_go_to_their_gateway_only() {
    let files = Files::new();
    let token = format!("{URL}token_file = \"DIR/token\"");
    let basic = format!("{URL}user = \"svc\"\npassword_file = \"DIR/password\"");
    let certificate = format!(
        "{URL}client_certificate_file = \"DIR/cert.pem\"\nclient_key_file = \"DIR/key.pem\""
    );
    let other = &["--gateway", "https://other.example"];
    let token_flag = &["--gateway-token-file", "DIR/token"];
    for (args, file, bearer, login, identity) in [
        (&[][..], URL, false, false, false),
        (&[], &token, true, false, false),
        (&[], &basic, false, true, false),
        (&[], &certificate, false, false, true),
        (other, &token, false, false, false),
        (other, &basic, false, false, false),
        (other, &certificate, false, false, false),
        (
            other,
            "gateway.token_file = \"DIR/token\"",
            true,
            false,
            false,
        ),
        (token_flag, &basic, true, false, false),
    ] {
        let shown = format!("{:?}", files.leg(args, file).unwrap());
        assert_eq!(shown.contains("Bearer"), bearer, "{args:?} {shown}");
        assert_eq!(shown.contains("Basic"), login, "{args:?} {shown}");
        let with = format!("client_certificate: {identity}");
        assert!(shown.contains(&with), "{args:?} {shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn authorities() {
    let files = Files::new();
    let file = format!("{URL}ca_file = \"DIR/cert.pem\"");
    for (args, file) in [
        (&[][..], file.as_str()),
        (&["--gateway-ca-file", "DIR/cert.pem"], URL),
        // Whom to trust is no secret: it holds for a gateway from elsewhere too.
        (&["--gateway", "https://other.example"], &file),
    ] {
        let shown = format!("{:?}", files.leg(args, file).unwrap());
        assert!(shown.contains("authorities: 1"), "{shown}");
    }
}

#[test]
fn what_is_refused() {
    let files = Files::new();
    let refuses = |args: &[&str], lines: &str, parts: &[&str]| {
        files.refuses(args, &format!("{URL}{lines}"), parts);
    };
    refuses(
        &["--gateway", "gw.example"],
        "",
        &[
            "argument --gateway: \"gw.example\" is not",
            "hint: write https://",
        ],
    );
    refuses(
        &["--gateway", "https://svc:s3cret@gw.example"],
        "",
        &["argument --gateway: the URL holds", "gateway.password_file"],
    );
    refuses(
        &["--gateway", "https://gw.example/path"],
        "",
        &["is not an https URL"],
    );
    refuses(
        &["--gateway", "https://localhost:40343"],
        "",
        &["argument --gateway: ", "would loop"],
    );
    for (file, what) in [
        ("nonexistent", "nonexistent: No such file"),
        ("empty", "empty: the token is empty"),
        ("two-lines", "two-lines: character 7"),
        ("header", "header: character 7"),
    ] {
        refuses(
            &[],
            &format!("token_file = \"DIR/{file}\""),
            &["error: proxy.toml:3: gateway.token_file: ", what],
        );
        refuses(
            &["--gateway-token-file", &format!("DIR/{file}")],
            "",
            &[&format!("error: argument --gateway-token-file: {what}")],
        );
    }
    refuses(
        &[],
        "token_file = \"DIR/header\"",
        &["hint: write the token alone into it"],
    );
    for (file, what) in [
        ("nonexistent", "No such file"),
        ("key.pem", "there is no certificate in it"),
        ("empty", "there is no certificate in it"),
    ] {
        refuses(
            &[],
            &format!("\nca_file = \"DIR/{file}\""),
            &[
                &format!("error: proxy.toml:4: gateway.ca_file: {file}: "),
                what,
            ],
        );
    }
    refuses(
        &[],
        "client_key_file = \"DIR/key.pem\"",
        &[
            "proxy.toml:3: ",
            "one of them is missing",
            "hint: write both",
        ],
    );
    refuses(
        &[],
        "client_key_file = \"DIR/cert.pem\"\nclient_certificate_file = \"DIR/cert.pem\"",
        &["proxy.toml:3: gateway.client_key_file: cert.pem: "],
    );
    refuses(
        &[],
        "client_key_file = \"DIR/key.pem\"\nclient_certificate_file = \"DIR/key.pem\"",
        &["proxy.toml:4: gateway.client_certificate_file: key.pem: "],
    );
    refuses(
        &[],
        "user = \"svc\"",
        &["proxy.toml:3: gateway.user and gateway.password_file are one login"],
    );
    refuses(
        &[],
        "user = \"svc\"\npassword_file = \"DIR/nonexistent\"",
        &["proxy.toml:4: gateway.password_file: nonexistent: No such file"],
    );
    refuses(
        &[],
        "user = \"svc\"\npassword_file = \"DIR/password\"\ntoken_file = \"DIR/token\"",
        &["proxy.toml:3: gateway.user is a second kind"],
    );
    refuses(
        &[],
        "through_proxy = true",
        &["proxy.toml:3: gateway.through_proxy is true, but there is no upstream"],
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let files = Files::new();
    let file = "[gateway]\nurl = \"http://gw.example\"\nca_file = \"DIR/empty\"\ntoken_file = \"DIR/empty\"\nclient_certificate_file = \"DIR/none\"\nclient_key_file = \"DIR/none\"\nthrough_proxy = true\nfallback = \"proxy\"\n";
    let error = files.resolve(&[], file).unwrap_err();
    for line in 2..=8 {
        assert!(error.contains(&format!("proxy.toml:{line}: ")), "{error}");
    }
    assert_eq!(error.matches("error: ").count(), 7, "{error}");
}

#[test]
fn what_is_not_used_is_warned_about() {
    let files = Files::new();
    let direct = "connection.type = \"direct\"";
    for (args, file, expected) in [
        (
            &["--gateway", "https://gw.example"][..],
            direct,
            "argument --gateway is not used, because connection.type",
        ),
        (
            &["--gateway-token-file", "DIR/token"],
            "",
            "argument --gateway-token-file is not used, because no gateway",
        ),
        (
            &[],
            "gateway.token_file = \"DIR/token\"",
            "gateway.token_file is not used, because no gateway",
        ),
    ] {
        let warnings = files.resolve(args, file).unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
    }
    let silent = format!("{direct}\n{URL}");
    assert!(files.resolve(&[], &silent).unwrap().warnings.is_empty());
}
