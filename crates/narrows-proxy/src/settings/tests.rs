use narrows_connect::Credentials;
use narrows_endpoint::Level;

use super::*;
use crate::cli;

/// Settings from arguments, a file and the environment for HTTPS_PROXY and NO_PROXY.
fn resolve(
    args: &[&str],
    file: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    let mut line = vec!["narrows-proxy"];
    line.extend(args);
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
        line.extend(["--config", path.to_str().unwrap()]);
    }
    let (cli, origins) = cli::parse(line).unwrap();
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Settings::resolve(&cli.options, &origins, lookup).map_err(|problems| {
        let dir = format!("{}/", dir.path().display());
        problems.to_string().replace(&dir, "")
    })
}

fn upstream(args: &[&str], file: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
    let upstreams = resolve(args, file, variables).unwrap().upstreams;
    let texts = upstreams.iter().map(|upstream| {
        let source = upstream.source.to_string();
        let source = source.rsplit('/').next().unwrap();
        format!("{} ({source})", upstream.url)
    });
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

#[test]
fn nothing_configured() {
    let settings = resolve(&[], None, &[]).unwrap();
    assert_eq!(settings.listen, [LISTEN]);
    assert!(settings.upstreams.is_empty());
    assert_eq!(settings.default.0, Route::Direct);
    assert!(settings.gateway.used);
    assert_eq!(settings.gateway.fallback, Route::Direct);
    assert!(settings.catalogue.is_some());
    assert_eq!(log_of(&settings), ["on standard output (arcproxy)"]);
    assert!(settings.warnings.is_empty());
}

#[test]
fn who_names_the_upstream() {
    let file = Some("[proxy]\nurl = \"http://file:1\"");
    let environment = &[("HTTPS_PROXY", "http://env:1")];
    let flag = &["--proxy", "http://flag:1"];
    for (args, file, variables, expected) in [
        (&[][..], None, &[][..], None),
        (
            &[],
            None,
            environment,
            Some("http://env:1 (environment variable HTTPS_PROXY)"),
        ),
        (&[], file, environment, Some("http://file:1 (proxy.toml:2)")),
        (
            flag,
            file,
            environment,
            Some("http://flag:1 (argument --proxy)"),
        ),
    ] {
        assert_eq!(upstream(args, file, variables).as_deref(), expected);
    }
}

#[test]
fn no_proxy_belongs_to_https_proxy() {
    let variables = &[("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", "a.example")];
    assert!(!resolve(&[], None, variables).unwrap().rules.is_empty());
    assert!(
        resolve(&["--proxy", "http://flag:1"], None, variables)
            .unwrap()
            .rules
            .is_empty()
    );
    assert!(
        resolve(&[], None, &variables[1..])
            .unwrap()
            .rules
            .is_empty()
    );
}

#[test]
fn flags_replace_lists_of_the_file() {
    let file = Some(
        "listen = [\"127.0.0.1:1\"]\nproxy.bypass = [\"a.example\"]\nrules.bypass = [\"b.example\"]\nlog.file = \"x.log\"\nclients.allow = [\"10.0.0.0/8\"]",
    );
    let settings = resolve(&[], file, &[]).unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:1".parse().unwrap()]);
    assert_eq!(log_of(&settings), ["file:x.log (arcproxy)"]);
    let args = &[
        "--listen",
        "127.0.0.1:2",
        "--listen",
        "[::1]:2,127.0.0.2:2",
        "--bypass",
        "c.example,d.example",
        "--log",
        "-",
        "--allow-clients",
        "192.0.2.0/24",
    ];
    let settings = resolve(args, file, &[]).unwrap();
    assert_eq!(settings.listen.len(), 3);
    assert_eq!(log_of(&settings), ["on standard output (arcproxy)"]);
    assert_eq!(settings.server.clients, ["192.0.2.0/24".parse().unwrap()]);
    let rules: Vec<_> = settings
        .rules
        .iter()
        .map(|rule| rule.pattern.to_string())
        .collect();
    assert_eq!(rules, ["c.example", "d.example", "b.example"]);
    assert!(
        settings
            .rules
            .iter()
            .all(|rule| rule.level == Level::Bypass)
    );
}

#[test]
fn limits_of_the_file() {
    let file = "[limits]\nhead_bytes = 2048\nhead_seconds = 0.5\ntunnels = 7\ntunnels_per_client = 3\nidle_seconds = 60\n[timeouts]\nresolve_seconds = 1\nconnect_seconds = 2\nrequest_seconds = 3\ntls_seconds = 5\n[drain]\nseconds = 4\nunready_seconds = 6\n";
    let Settings {
        server, timeouts, ..
    } = resolve(&[], Some(file), &[]).unwrap();
    assert_eq!(server.head.max_bytes, 2048);
    assert_eq!(server.head_time, Duration::from_millis(500));
    assert_eq!((server.tunnels, server.tunnels_per_client), (7, Some(3)));
    assert_eq!(server.relay.idle, Some(Duration::from_secs(60)));
    assert_eq!(
        (server.drain, server.unready),
        (Duration::from_secs(4), Duration::from_secs(6))
    );
    let steps = [
        timeouts.resolve,
        timeouts.connect,
        timeouts.request,
        timeouts.tls,
    ];
    assert_eq!(steps, [1, 2, 3, 5].map(Duration::from_secs));
}

/// The reference says what holds without a key; it must not drift from the crates that decide it.
#[test]
fn documented_defaults_are_the_defaults() {
    let Settings {
        server, timeouts, ..
    } = resolve(&[], None, &[]).unwrap();
    let secs = |time: Duration| time.as_secs().to_string();
    for (path, value) in [
        ("limits.head_bytes", server.head.max_bytes.to_string()),
        ("limits.head_seconds", secs(server.head_time)),
        ("limits.tunnels", server.tunnels.to_string()),
        ("limits.idle_seconds", server.relay.idle.map(secs).unwrap()),
        ("timeouts.resolve_seconds", secs(timeouts.resolve)),
        ("timeouts.connect_seconds", secs(timeouts.connect)),
        ("timeouts.request_seconds", secs(timeouts.request)),
        ("timeouts.tls_seconds", secs(timeouts.tls)),
        ("drain.seconds", secs(server.drain)),
        ("drain.unready_seconds", secs(server.unready)),
        ("listen", format!("[\"{LISTEN}\"]")),
    ] {
        let key = crate::config::KEYS.find(path).unwrap();
        assert_eq!(key.default, value, "{path}");
    }
}

#[test]
fn several_upstreams_in_order() {
    let list = "[proxy]\nurl = [\"http://a:1\",\n\"http://u:p@b:2\"]";
    assert_eq!(
        upstream(&[], Some(list), &[]).unwrap(),
        "http://a:1 (proxy.toml:2), http://***@b:2 (proxy.toml:3)"
    );
    let args = &["--proxy", "http://u:a,b@c:3, http://d:4"];
    assert_eq!(
        upstream(args, Some(list), &[]).unwrap(),
        "http://***@c:3 (argument --proxy), http://d:4 (argument --proxy)"
    );
    assert_eq!(upstream(&[], Some("[proxy]\nurl = []"), &[]), None);
    for (urls, expected) in [
        (
            "[\"http://a:1\", \"http://u@a:1\"]",
            "proxy.toml:2: a:1 is named twice",
        ),
        (
            "[\"http://a:1\",\n\"b:1\"]",
            "proxy.toml:3: the upstream proxy's URL is refused",
        ),
        ("7", "proxy.toml:2: proxy.url: "),
        ("[7]", "proxy.toml:2: proxy.url"),
    ] {
        let file = format!("[proxy]\nurl = {urls}");
        let error = resolve(&[], Some(&file), &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_token_goes_in_clear_to_no_other_machine() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "t0ken\n").unwrap();
    let proxy = |url: &str| format!("[proxy]\nurl = \"{url}\"\ntoken_file = {token:?}");
    for url in [
        "https://p.example",
        "http://127.0.0.1:3128",
        "http://localhost:1",
    ] {
        let upstreams = resolve(&[], Some(&proxy(url)), &[]).unwrap().upstreams;
        assert!(upstreams[0].token.is_some(), "{url}");
        let flag = &["--proxy", "https://other.example"];
        let upstreams = resolve(flag, Some(&proxy(url)), &[]).unwrap().upstreams;
        assert!(
            upstreams[0].token.is_none(),
            "it belongs to the file's proxy"
        );
    }
    for url in ["http://p.example:1", "socks5://10.0.0.1"] {
        let error = resolve(&[], Some(&proxy(url)), &[]).unwrap_err();
        assert!(
            error.contains("proxy.toml:3: proxy.token_file: the token would go to"),
            "{error}"
        );
        assert!(error.contains("hint: write https://"), "{error}");
    }
}

#[test]
fn what_is_said_of_proxies_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let url = "[proxy]\nurl = \"https://p.example\"\n";
    for (lines, expected) in [
        (
            format!("ca_file = {empty:?}"),
            "proxy.toml:3: proxy.ca_file: ",
        ),
        (
            format!("token_file = {empty:?}"),
            "proxy.toml:3: proxy.token_file: ",
        ),
        (
            "client_key_file = \"k\"".to_owned(),
            "proxy.toml:3: proxy.client_certificate_file and proxy.client_key_file belong together",
        ),
        ("authentication = \"ntlm\"".to_owned(), "proxy.toml:3: "),
        (
            "ca_file = \"/nonexistent/ca\"".to_owned(),
            "proxy.ca_file: /nonexistent/ca: ",
        ),
    ] {
        let error = resolve(&[], Some(&format!("{url}{lines}")), &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let error = resolve(&[], Some("[proxy]\ntoken_file = \"t\""), &[]).unwrap_err();
    assert!(
        error.contains("proxy.token_file belongs to proxy.url"),
        "{error}"
    );
}

#[test]
fn one_login_serves_the_upstreams_that_have_none() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, "s3cret").unwrap();
    let file = format!(
        "[proxy]\nuser = \"svc\"\npassword_file = {password:?}\nurl = [\"http://a:1\", \"http://own:x@b:2\"]"
    );
    let upstreams = resolve(&[], Some(&file), &[]).unwrap().upstreams;
    let users = upstreams
        .iter()
        .map(|upstream| upstream.url.credentials().unwrap().user());
    assert_eq!(users.collect::<Vec<_>>(), ["svc", "own"]);
}

#[test]
fn a_login_from_a_password_file() {
    let dir = tempfile::tempdir().unwrap();
    let password = dir.path().join("password");
    std::fs::write(&password, "s3cret:with@all\r\n").unwrap();
    let login = format!("user = \"svc\"\npassword_file = {password:?}\n");
    let credentials = |args: &[&str], url: &str| {
        let file = format!("[proxy]\n{login}{url}");
        let settings = resolve(args, Some(&file), &[("HTTPS_PROXY", "http://env:1")]).unwrap();
        settings.upstreams[0].url.credentials().cloned()
    };
    let expected = Some(Credentials::new("svc", "s3cret:with@all").unwrap());
    assert_eq!(credentials(&[], "url = \"http://file:1\""), expected);
    // The login belongs to the proxy that the file names, and to no other.
    assert_eq!(
        credentials(&["--proxy", "http://flag:1"], "url = \"http://file:1\""),
        None
    );
}

#[test]
fn an_address_named_twice_is_one() {
    let args = [
        "127.0.0.1:1",
        "127.0.0.1:2",
        "127.0.0.1:1",
        "127.0.0.1:0",
        "127.0.0.1:0",
    ];
    let args: Vec<_> = args
        .iter()
        .flat_map(|address| ["--listen", address])
        .collect();
    let settings = resolve(&args, None, &[]).unwrap();
    let ports: Vec<_> = settings.listen.iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [1, 2, 0, 0]);
}

/// One problem that contains every part and no secret.
#[track_caller]
fn check(args: &[&str], file: &str, parts: &[&str]) {
    let error = resolve(args, Some(file), &[]).unwrap_err();
    assert_eq!(error.matches("error: ").count(), 1, "{error}");
    for part in parts {
        assert!(error.contains(part), "{part:?} not in\n{error}");
    }
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn what_is_refused() {
    check(
        &["--listen", "localhost:1"],
        "",
        &[
            "argument --listen: \"localhost:1\": ",
            "hint: write 127.0.0.1:40343",
        ],
    );
    check(
        &["--listen", "0.0.0.0:1"],
        "",
        &[
            "argument --listen: 0.0.0.0:1 can be reached",
            "--allow-clients",
        ],
    );
    check(
        &[],
        "listen = [\"127.0.0.1:1\",\n\"[::]:1\"]",
        &["proxy.toml:2: [::]:1 can be reached", "[clients]"],
    );
    check(
        &["--allow-clients", "10.1.2.3/8"],
        "",
        &[
            "argument --allow-clients: \"10.1.2.3/8\"",
            "write 10.0.0.0/8",
        ],
    );
    check(
        &[],
        "[clients]\nallow = [\"all\"]",
        &["proxy.toml:2: \"all\" is not a range", "10.0.0.0/8"],
    );
    check(
        &["--proxy", "proxy.example:3128"],
        "",
        &["argument --proxy: ", "hint: write http://"],
    );
    check(
        &["--proxy", "ftp://u:secret@p:1"],
        "",
        &["argument --proxy: ", "ftp://"],
    );
    check(
        &["--proxy", "http://127.0.0.1:40343"],
        "",
        &["argument --proxy: ", "would loop"],
    );
    check(
        &["--proxy", "http://localhost:1"],
        "listen = [\"[::1]:1\"]",
        &["would loop"],
    );
    check(
        &["--bypass", "Arcc"],
        "",
        &[
            "argument --bypass: ",
            "did you mean \"Arc\"?",
            "hint: write AAD, ARM",
        ],
    );
    check(
        &[],
        "[proxy]\nbypass = [\n\"*corp.example\"]",
        &["proxy.toml:3: ", "*.corp.example"],
    );
    check(
        &[],
        "[rules]\ndeny = [\"*.com\"]",
        &["proxy.toml:2: rules.deny: ", "\"*.com\""],
    );
    check(
        &[],
        "[rules]\ndefault = \"proxy\"",
        &[
            "proxy.toml:2: rules.default is \"proxy\", but there is no upstream",
            "[proxy]",
        ],
    );
    check(
        &[],
        "[gateway]\nfallback = \"proxy\"",
        &["proxy.toml:2: gateway.fallback is \"proxy\""],
    );
    check(
        &[],
        "[gateway]\nurl = \"http://gw.example\"",
        &["proxy.toml:2: gateway.url: ", "https://gw.example.net"],
    );
    check(
        &[],
        "[connection]\ntype = \"gateway\"",
        &["proxy.toml:2: connection.type ", "gateway.url is missing"],
    );
    check(
        &[],
        "[proxy]\nurl = \"http://p:1\"\nuser = \"u\"",
        &["proxy.toml:3: ", "one of them is missing"],
    );
    check(
        &[],
        "[proxy]\nurl = \"http://a:secret@p:1\"\nuser = \"u\"\npassword_file = \"x\"",
        &["proxy.toml:3: ", "second login"],
    );
    check(
        &[],
        "[proxy]\nurl = \"http://p:1\"\nuser = \"u\"\npassword_file = \"/nonexistent\"",
        &["proxy.toml:4: ", "/nonexistent: No such file"],
    );
    for (args, file, key) in [
        (&[][..], "user = \"u\"\npassword_file = \"x\"", "user"),
        (&["--proxy", "http://flag:1"], "user = \"u\"", "user"),
        (&[], "password_file = \"x\"", "password_file"),
    ] {
        let said =
            format!("proxy.toml:2: proxy.{key} belongs to proxy.url, and this file has none");
        check(
            args,
            &format!("[proxy]\n{file}"),
            &[&said, "hint: write url = "],
        );
    }
    check(
        &[],
        "[rules]\ncatalogue_file = \"/nonexistent\"",
        &["proxy.toml:2: rules.catalogue_file: /nonexistent: "],
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let error = resolve(
        &["--listen", "0.0.0.0:1", "--bypass", "AMAA"],
        Some("[rules]\ndeny = [\"*\", \"ok.example\", \"**\"]\ndefault = \"proxy\"\n[limits]\ntunnels = 0\ntunnel = 1"),
        &[("HTTPS_PROXY", "socks4://p:1")],
    )
    .unwrap_err();
    // The default route is no eighth: there will be an upstream once HTTPS_PROXY is mended.
    assert_eq!(error.matches("error: ").count(), 7, "{error}");
}

#[test]
fn a_login_is_not_given_to_the_proxy_of_the_environment() {
    let file = "[proxy]\nuser = \"u\"\npassword_file = \"x\"";
    let error = resolve(&[], Some(file), &[("HTTPS_PROXY", "http://env:1")]).unwrap_err();
    assert!(
        error.contains("proxy.toml:2: proxy.user belongs to proxy.url"),
        "{error}"
    );
}

#[test]
fn an_own_address_in_the_environment_is_only_a_warning() {
    let settings = resolve(&[], None, &[("HTTPS_PROXY", "http://127.0.0.1:40343")]).unwrap();
    assert!(settings.upstreams.is_empty());
    assert_eq!(settings.warnings.len(), 1);
}

#[test]
fn gateway_rules_without_a_gateway_are_warned_about() {
    let file = "connection.type = \"direct\"\nrules.gateway = [\"a.example\"]";
    let settings = resolve(&[], Some(file), &[]).unwrap();
    assert!(!settings.gateway.used);
    assert_eq!(settings.warnings.len(), 1);
}

#[test]
fn reaching_a_listener() {
    let reaches =
        |ip: &str, listen: &str| upstream::reaches(ip.parse().unwrap(), listen.parse().unwrap());
    for (ip, listen, expected) in [
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.2", "127.0.0.1", false),
        ("127.0.0.2", "0.0.0.0", true),
        ("::1", "::", true),
        ("0.0.0.0", "127.0.0.1", true),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "127.0.0.1", false),
    ] {
        assert_eq!(reaches(ip, listen), expected, "{ip} {listen}");
    }
}

/// Where lines go, and in which form.
fn log_of(settings: &Settings) -> Vec<String> {
    settings.log.iter().map(ToString::to_string).collect()
}
