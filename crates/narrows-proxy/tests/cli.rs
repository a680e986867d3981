//! The binary from outside: what it prints, where, and how it exits.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use support::narrows;

/// What `explain` says under one label about one target.
fn explained(label: &str, args: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let (code, stdout, stderr) = narrows(args, variables);
    assert_eq!(code, Some(0), "{stderr}");
    let mut lines = stdout.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(name, _)| *name == label)
        .map(|(_, value)| value.trim().to_owned())
}

// === explain ===

#[test]
fn explains_without_configuration() {
    for (target, route, rule, source, served_by) in [
        (
            "gbl.his.arc.azure.com",
            "direct",
            "gbl.his.arc.azure.com",
            "never-gateway",
            None,
        ),
        (
            "management.azure.com",
            "direct",
            "management.azure.com",
            "never-gateway",
            None,
        ),
        (
            "login.microsoftonline.com",
            "direct",
            "login.microsoftonline.com",
            "never-gateway",
            None,
        ),
        (
            "je.his.arc.azure.com",
            "gateway",
            "*.his.arc.azure.com:443",
            "arc-gateway-carried",
            Some("direct"),
        ),
        (
            "azgn1.servicebus.windows.net",
            "gateway",
            "azgn*.servicebus.windows.net:443",
            "arc-gateway-carried",
            Some("direct"),
        ),
        // The star of azgn* ends at the dot; the list has the whole suffix as well.
        (
            "azgn1.evil.servicebus.windows.net",
            "gateway",
            "*.servicebus.windows.net:443",
            "arc-gateway-carried",
            Some("direct"),
        ),
        (
            "example.com:8443",
            "direct",
            "none matches",
            "built in",
            None,
        ),
    ] {
        let (code, stdout, stderr) = narrows(&["explain", target], &[]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{target}");
        assert!(
            stdout.contains(&format!("\nroute:     {route}\n")),
            "{stdout}"
        );
        assert!(
            stdout.contains(&format!("\nrule:      {rule}\n")),
            "{stdout}"
        );
        assert!(stdout.contains("\nreason:    "), "{stdout}");
        assert!(
            stdout
                .lines()
                .any(|line| line.starts_with("source:") && line.contains(source)),
            "{stdout}"
        );
        let serving = stdout
            .lines()
            .find_map(|line| line.strip_prefix("served by: "));
        let expected = served_by.map(|route| format!("{route} (no gateway is configured)"));
        assert_eq!(serving, expected.as_deref(), "{target}");
    }
}

#[test]
fn explains_several_targets_in_order() {
    let (code, stdout, _) = narrows(&["explain", "b.example", "a.example:80"], &[]);
    let targets: Vec<_> = stdout
        .lines()
        .filter(|line| line.starts_with("target:"))
        .collect();
    assert_eq!(
        targets,
        ["target:    b.example:443", "target:    a.example:80"]
    );
    assert_eq!(code, Some(0));
    let (_, stdout, _) = narrows(
        &["explain", "--format", "json", "b.example", "a.example"],
        &[],
    );
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json[1]["target"], "a.example:443");
}

#[test]
fn explain_refuses_what_is_no_target() {
    for target in ["a..b", "example.com:0", "https://example.com/", "127.1", ""] {
        let (code, stdout, stderr) = narrows(&["explain", "ok.example", target], &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{target}");
        assert!(stderr.contains("error: "), "{stderr}");
    }
    assert_eq!(narrows(&["explain"], &[]).0, Some(2));
}

// === who wins ===

#[test]
fn flag_beats_variable_beats_file_beats_https_proxy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, "proxy.url = \"http://file:1\"\n").unwrap();
    let path = path.to_str().unwrap();
    let file = ("NARROWS_CONFIG", path);
    let https = ("HTTPS_PROXY", "http://u:secret@https:1");
    let variable = ("NARROWS_PROXY", "http://variable:1");
    let flag = "http://flag:1";
    for (args, variables, expected) in [
        (
            &["explain", "a.example"][..],
            &[https][..],
            "http://***@https:1 (environment variable HTTPS_PROXY)",
        ),
        (
            &["explain", "a.example"],
            &[https, file],
            &format!("http://file:1 ({path}:1)"),
        ),
        (
            &["explain", "a.example"],
            &[https, file, variable],
            "http://variable:1 (environment variable NARROWS_PROXY)",
        ),
        (
            &["explain", "a.example", "--proxy", flag],
            &[https, file, variable],
            "http://flag:1 (argument --proxy)",
        ),
        (
            &["--proxy", flag, "explain", "a.example"],
            &[https, file, variable],
            "http://flag:1 (argument --proxy)",
        ),
        // An empty variable is one that is not set.
        (
            &["explain", "a.example"],
            &[https, ("NARROWS_PROXY", "")],
            "http://***@https:1 (environment variable HTTPS_PROXY)",
        ),
    ] {
        assert_eq!(
            explained("upstream", args, variables).as_deref(),
            Some(expected)
        );
    }
}

#[test]
fn the_gateway_of_a_flag_beats_its_variable_beats_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, "gateway.url = \"https://file.example\"\n").unwrap();
    let path = path.to_str().unwrap();
    let file = ("NARROWS_CONFIG", path);
    let variable = ("NARROWS_GATEWAY", "https://variable.example:8443");
    let explain = &["explain", "je.his.arc.azure.com"][..];
    let flag = &[explain, &["--gateway", "https://flag.example"]].concat();
    for (args, variables, expected) in [
        (explain, &[][..], None),
        (
            explain,
            &[file],
            Some(format!("file.example:443 ({path}:1)")),
        ),
        (
            explain,
            &[file, variable],
            Some("variable.example:8443 (environment variable NARROWS_GATEWAY)".to_owned()),
        ),
        (
            flag,
            &[file, variable],
            Some("flag.example:443 (argument --gateway)".to_owned()),
        ),
    ] {
        assert_eq!(explained("gateway", args, variables), expected);
        let served_by = explained("served by", args, variables);
        assert_eq!(served_by.is_none(), expected.is_some());
    }
}

#[test]
fn no_proxy_is_followed_and_refused_entries_are_warned_about() {
    let variables = &[
        ("https_proxy", "http://p:1"),
        ("no_proxy", "corp.example, *glued.example"),
    ];
    let (code, stdout, stderr) = narrows(&["explain", "a.corp.example"], variables);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("route:     direct\n"), "{stdout}");
    assert!(
        stdout.contains("source:    environment variable no_proxy\n"),
        "{stdout}"
    );
    assert!(
        stderr.starts_with("warning: no_proxy: left out: "),
        "{stderr}"
    );
    assert!(stderr.contains("*.glued.example"), "{stderr}");
}

#[test]
fn https_proxy_that_is_ourselves_is_ignored() {
    let variables = &[("HTTPS_PROXY", "http://localhost:40343")];
    let (code, stdout, stderr) = narrows(&["explain", "a.example"], variables);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("route:     direct\n"), "{stdout}");
    assert!(stderr.contains("points at this proxy itself"), "{stderr}");
}

// === wrong usage and configuration ===

/// The file is refused with exit code 2, and the one message on standard error has every part.
#[track_caller]
fn refuses(text: &str, parts: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.toml");
    std::fs::write(&path, text).unwrap();
    let (code, stdout, stderr) = narrows(&["--config", path.to_str().unwrap()], &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let stderr = stderr.replace(&format!("{}/", dir.path().display()), "");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} not in:\n{stderr}");
    }
    assert!(!stderr.contains("secret"), "{stderr}");
}

#[test]
fn bad_files_name_the_line_and_the_remedy() {
    for (text, parts) in [
        (
            "lisen = []",
            &["error: proxy.toml:1: unknown key \"lisen\" (did you mean \"listen\"?)"][..],
        ),
        (
            "\n\n[limits]\ntunels = 3",
            &["proxy.toml:4: ", "did you mean \"tunnels\"?"],
        ),
        (
            "[porxy]\nurl = \"http://p:1\"",
            &["proxy.toml:1: ", "did you mean \"proxy\"?"],
        ),
        (
            "fallback = \"proxy\"",
            &["proxy.toml:1: ", "did you mean \"gateway.fallback\"?"],
        ),
        (
            "listen = \"127.0.0.1:1\"",
            &[
                "proxy.toml:1: listen: ",
                "hint: write, for example: listen = [",
            ],
        ),
        (
            "listen = [\n\"127.0.0.1\"]",
            &["proxy.toml:2: listen: \"127.0.0.1\": ", "hint: "],
        ),
        (
            "listen = [\"0.0.0.0:1\"]",
            &[
                "proxy.toml:1: 0.0.0.0:1 can be reached by other machines",
                "hint: say who may use it",
            ],
        ),
        (
            "[clients]\nallow = [\"10.1.2.3/8\"]",
            &["proxy.toml:2: \"10.1.2.3/8\"", "write 10.0.0.0/8"],
        ),
        (
            "[limits]\ntunnels = \"many\"",
            &[
                "proxy.toml:2: limits.tunnels: ",
                "\"many\"",
                "hint: write, for example: tunnels = 8192",
            ],
        ),
        (
            "[limits]\nhead_seconds = -1",
            &["proxy.toml:2: limits.head_seconds: ", "above 0"],
        ),
        (
            "[proxy]\nurl = \"ftp://u:secret@p:1\"",
            &["proxy.toml:2: ", "ftp://", "hint: write http://host:port"],
        ),
        (
            "[proxy]\nurl = \"http://127.0.0.1:40343\"",
            &["proxy.toml:2: ", "would loop"],
        ),
        (
            "[proxy]\nbypass = [\"Arcc\"]",
            &["proxy.toml:2: ", "did you mean \"Arc\"?"],
        ),
        (
            "[rules]\ndeny = [\n  \"ok.example\",\n  \"*ads.example\",\n]",
            &[
                "proxy.toml:4: rules.deny: ",
                "\"*ads.example\"",
                "*.ads.example",
            ],
        ),
        (
            "[rules]\ngateway = [\"*.com\"]",
            &["proxy.toml:2: rules.gateway: ", "public suffix com"],
        ),
        (
            "[rules]\ndefault = \"gateway\"",
            &[
                "proxy.toml:2: rules.default: ",
                "hint: write, for example: default = \"deny\"",
            ],
        ),
        (
            "[gateway]\nfallback = \"proxy\"",
            &[
                "proxy.toml:2: ",
                "there is no upstream proxy",
                "hint: name it in [proxy]",
            ],
        ),
        (
            "[connection]\ntype = \"gateway\"",
            &["proxy.toml:2: ", "gateway.url is missing"],
        ),
        (
            "[gateway]\nurl = \"https://gw.example\"\n\ntoken_file = \"/nonexistent/token\"",
            &["proxy.toml:4: gateway.token_file: /nonexistent/token: No such file"],
        ),
        (
            "[gateway]\nurl = \"https://svc:secret@gw.example\"",
            &[
                "proxy.toml:2: gateway.url: ",
                "hint: put the password into the file",
            ],
        ),
        (
            "[gateway]\nprotocol = \"h3\"",
            &[
                "proxy.toml:2: gateway.protocol: ",
                "hint: write, for example: protocol = \"h2\"",
            ],
        ),
        ("[limits\ntunnels = 3", &["proxy.toml:1: not TOML: "]),
    ] {
        refuses(text, parts);
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    refuses(
        "lisen = []\n[limits]\ntunnels = 0\n[rules]\ndeny = [\"**\"]\n",
        &[
            "proxy.toml:1: unknown key",
            "\nerror: proxy.toml:3: limits.tunnels",
            "\nerror: proxy.toml:5: rules.deny: ",
        ],
    );
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["--nonsense"][..],
        &["explode"],
        &["--config", "/nonexistent/proxy.toml"],
        &["--listen", "0.0.0.0:0"],
        &["--listen", "nonsense"],
        &["--proxy", "socks4://p:1"],
    ] {
        let (code, stdout, stderr) = narrows(args, &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?} {stderr}");
        assert!(stderr.starts_with("error: "), "{args:?} {stderr}");
    }
}

#[test]
fn a_password_on_the_command_line_is_not_repeated() {
    let (_, _, stderr) = narrows(&["--proxy", "http://user:secret@proxy:port"], &[]);
    assert!(stderr.contains("--proxy"), "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
    let (_, help, _) = narrows(
        &["--help"],
        &[("NARROWS_PROXY", "http://user:secret@proxy:1")],
    );
    assert!(!help.contains("secret"), "{help}");
}

#[test]
fn help_names_exit_codes_and_variables() {
    let (code, help, stderr) = narrows(&["--help"], &[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for part in ["Exit codes:", "  0  ", "  1  ", "  2  ", "explain", "run"] {
        assert!(help.contains(part), "{part} not in\n{help}");
    }
    for flag in [
        "allow-clients",
        "bypass",
        "config",
        "gateway",
        "gateway-ca-file",
        "gateway-token-file",
        "listen",
        "log",
        "proxy",
    ] {
        let variable = format!("NARROWS_{}", flag.replace('-', "_").to_uppercase());
        assert!(
            help.contains(&format!("--{flag} ")) && help.contains(&variable),
            "{flag}"
        );
    }
    let (code, version, _) = narrows(&["--version"], &[]);
    assert_eq!(
        (code, version.trim()),
        (
            Some(0),
            concat!("narrows-proxy ", env!("CARGO_PKG_VERSION"))
        )
    );
}

// === logs ===

#[test]
fn a_log_is_reported_from_standard_input_and_from_a_file_without_settings() {
    use std::io::Write as _;
    use std::process::Stdio;

    let log = include_bytes!("../../narrows-log/testdata/arcproxy.log");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("arcproxy.log");
    std::fs::write(&file, log).unwrap();
    // A setting that is wrong does not matter to a report.
    let wrong = [("NARROWS_LISTEN", "nowhere")];
    let args = ["logs", "report", "--format", "json", file.to_str().unwrap()];
    let (code, from_file, stderr) = narrows(&args, &wrong);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_str(&from_file).unwrap();
    assert_eq!(report["requests"], 14);
    assert_eq!(report["routes"][0]["route"], "gateway");
    assert_eq!(report["routes"][0]["durations"]["max"], 69_271);

    let mut child = support::command(&["logs", "report", "--format", "json", "-"], &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(log).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), from_file);
}

#[test]
fn a_log_that_is_not_there_is_an_error_after_what_could_be_read() {
    let (code, stdout, stderr) = narrows(&["logs", "report", "gone.log"], &[]);
    assert_eq!(code, Some(1));
    assert!(stdout.starts_with("0 lines, 0 requests"), "{stdout}");
    assert!(
        stderr.starts_with("error: cannot read gone.log: "),
        "{stderr}"
    );
}
