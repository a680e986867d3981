//! The admin listener: what it shows, to whom, and that nobody else sees it.

mod page;

use narrows_tests::admin::{address, ask, json, request};
use narrows_tests::deadline;
use narrows_tests::program;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{Once, Peer};
use rustix::process::Signal;

/// Reads the answer with Prometheus' own parser for Python, and prints a line for each sample.
const PARSE: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
from prometheus_client.parser import text_string_to_metric_families as lax
text = sys.stdin.read()
list(lax(text))
for family in strict(text):
    for sample in family.samples:
        print(sample.name, sorted(sample.labels.items()), sample.value)
"#;

/// A proxy with an admin listener on a free port.
fn proxy(setup: Setup) -> (Proxy, std::net::SocketAddr) {
    let proxy = setup.flag("admin", "127.0.0.1:0").start();
    let admin = address(&proxy.said());
    (proxy, admin)
}

/// Rows 41 and 42: whatever clients write, the metrics can be read and their series are few.
#[test]
fn row_42_hostile_hosts_make_no_series() {
    let (proxy, admin) = proxy(Setup::new());
    let target = Once::start(|mut client| {
        client.send("12345");
        client.end()
    });
    let mut client = proxy.tunnel(&target.address.to_string());
    client.exactly(5);
    client.send("123");
    client.finish();
    client.end();
    target.join();
    proxy.finished(1);
    let Some(before) = samples(admin) else {
        return;
    };
    for number in 0..60 {
        for hostile in [
            format!("a{number}\"}} 1\nx{{y=\"z:443"),
            format!("\\u{number}\u{1b}[31m:443"),
            format!("<b>{number}</b>"),
            format!("x{number}.invalid.:0"),
        ] {
            proxy.ask(connect_head(&hostile));
        }
    }
    let all = samples(admin).unwrap();
    let (few, before) = (all.len(), before.len());
    assert!(few <= before + 10, "{before}, and after a flood {few}");
    let has = |line: &str| {
        assert!(
            all.iter().any(|one| one == line),
            "{line}\n{}",
            all.join("\n")
        );
    };
    has("narrows_tunnel_bytes_total [('direction', 'received'), ('route', 'direct')] 5");
    has("narrows_tunnel_bytes_total [('direction', 'sent'), ('route', 'direct')] 3");
    has("narrows_tunnels_ended_total [('end', 'closed'), ('route', 'direct')] 1");
    has("narrows_open_seconds_count [('route', 'direct')] 1");
    has("narrows_tunnel_seconds_count [('route', 'direct')] 1");
    has("narrows_ready [] 1");
    assert!(
        !all.iter()
            .any(|line| line.contains("<b>") || line.contains("invalid"))
    );
}

/// The samples as the parser reads them; `None` if there is no parser.
fn samples(admin: std::net::SocketAddr) -> Option<Vec<String>> {
    let (head, text) = ask(admin, "/metrics");
    assert_eq!(head.status(), 200);
    if !program::installed(&["python3"]) {
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    let python = |script: &str| {
        let mut python = program::command("python3", home.path());
        python.args(["-c", script]);
        python
    };
    let found = python("import prometheus_client").output().unwrap();
    if !found.status.success() {
        program::skip("Python's prometheus_client is not installed");
        return None;
    }
    let file = home.path().join("metrics");
    std::fs::write(&file, &text).unwrap();
    let mut parse = python(PARSE);
    parse.stdin(std::fs::File::open(&file).unwrap());
    let samples = program::run(&mut parse);
    Some(samples.lines().map(str::to_owned).collect())
}

/// Row 17: not even where everything else on loopback is allowed.
#[test]
fn row_17_no_tunnel_leads_to_the_admin_listener() {
    let (proxy, admin) = proxy(Setup::new());
    for target in [
        admin.to_string(),
        format!("localhost:{}", admin.port()),
        format!("[::ffff:127.0.0.1]:{}", admin.port()),
    ] {
        let (head, body) = proxy.ask(connect_head(&target));
        assert_eq!(head.status(), 403, "{target}: {body}");
        let plain = format!(
            "GET http://{target}/api/status HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n"
        );
        let (head, body) = proxy.ask(plain);
        assert_eq!(head.status(), 403, "{target}: {body}");
    }
}

/// Row 17: a page whose name resolves to this machine (DNS rebinding) asks by that name.
#[test]
fn row_17_pages_from_elsewhere_read_nothing() {
    let (proxy, admin) = proxy(Setup::new());
    for (status, fields) in [
        (421, "Host: evil.example".to_owned()),
        (403, format!("Host: {admin}\r\nOrigin: http://evil.example")),
        (403, format!("Host: {admin}\r\nSec-Fetch-Site: cross-site")),
        (200, format!("Host: {admin}\r\nOrigin: http://{admin}")),
    ] {
        let (head, body) = request(
            admin,
            &format!("GET /api/tunnels HTTP/1.1\r\n{fields}\r\nConnection: close\r\n\r\n"),
        );
        assert_eq!(head.status(), status, "{fields}");
        assert!(head.field("Access-Control-Allow-Origin").is_none());
        assert_eq!(body.contains("tunnels\":"), status == 200);
    }
    drop(proxy);
}

#[test]
fn live_tunnels_show_who_where_and_how_much() {
    let (proxy, admin) = proxy(Setup::new());
    let target = Peer::start(|mut client| {
        client.send("0123456789");
        client.end();
    });
    let mut clients: Vec<_> = (0..3)
        .map(|_| proxy.tunnel(&target.address.to_string()))
        .collect();
    for client in &mut clients {
        client.exactly(10);
    }
    let all = json(admin, "/api/tunnels?limit=2");
    assert_eq!(
        (&all["total"], all["tunnels"].as_array().unwrap().len()),
        (&3.into(), 2)
    );
    let rest = json(admin, &format!("/api/tunnels?after={}", all["next"]));
    assert_eq!(rest["tunnels"].as_array().unwrap().len(), 1);
    let tunnel = &all["tunnels"][0];
    assert_eq!(tunnel["target"], target.address.to_string());
    assert_eq!(
        (&tunnel["via"], &tunnel["received"]),
        (&"direct".into(), &10.into())
    );
    let status = json(admin, "/api/status");
    assert_eq!(status["requests"]["open"], 3);
    assert_eq!(status["bytes"][0]["received"], 30);
    drop(clients);
    deadline::until("nothing is open", || {
        (json(admin, "/api/status")["requests"]["open"] == 0).then_some(())
    });
    // What has ended still counts.
    assert_eq!(json(admin, "/api/status")["bytes"][0]["received"], 30);
}

#[test]
fn refusals_say_why_and_explain_explains() {
    let (proxy, admin) = proxy(Setup::new().config("[rules]\ndeny = [\"*.ads.test\"]\n"));
    proxy.ask(connect_head("x.ads.test:443"));
    proxy.ask(connect_head("no-port"));
    let all = json(admin, "/api/decisions");
    let faults = all["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2);
    assert_eq!(
        (&faults[0]["target"], &faults[0]["status"]),
        (&"no-port".into(), &400.into())
    );
    assert!(faults[1]["reason"].as_str().unwrap().contains("*.ads.test"));
    assert_eq!(
        (&all["names"][0]["host"], &all["names"][0]["refused"]),
        (&"x.ads.test".into(), &1.into())
    );
    let explained = json(admin, "/api/explain?host=x.ads.test");
    assert_eq!(
        (&explained["route"], &explained["rule"]),
        (&"deny".into(), &"*.ads.test".into())
    );
    let (head, why) = ask(admin, "/api/explain?host=%3Cb%3E");
    assert_eq!(head.status(), 400, "{why}");
}

#[test]
fn unready_while_draining() {
    let (mut proxy, admin) = proxy(Setup::new());
    let target = Once::start(|mut client| client.end());
    let mut client = proxy.tunnel(&target.address.to_string());
    assert_eq!(ask(admin, "/readyz").0.status(), 200);
    proxy.signal(Signal::TERM);
    deadline::until("it is unready", || {
        (ask(admin, "/readyz").0.status() == 503).then_some(())
    });
    assert_eq!(ask(admin, "/healthz").0.status(), 200);
    client.finish();
    client.end();
    target.join();
    assert_eq!(proxy.wait().code(), Some(0));
}

/// What the rules deny is carried, and every place says so.
#[test]
fn report_only_denies_nothing_and_says_so_everywhere() {
    let target = Peer::start(|mut client| {
        client.send("in");
        client.end();
    });
    let at = target.address.to_string();
    let config = format!("[rules]\nreport_only = true\ndeny = [\"{at}\"]\ndefault = \"deny\"\n");
    let (proxy, admin) = proxy(Setup::new().config(config));
    let said = proxy.said();
    assert!(said.contains("REPORT-ONLY"), "{said}");
    assert_eq!(proxy.tunnel(&at).exactly(2), b"in");
    let (head, _) = proxy.ask(connect_head(&admin.to_string()));
    assert_eq!(head.status(), 403, "what is no rule stays in force");
    let status = json(admin, "/api/status");
    assert_eq!(status["report_only"], true);
    assert_eq!(status["requests"]["would_deny"], 1);
    let log = deadline::until("the log has it", || {
        let log = proxy.log();
        log.contains("would deny").then_some(log)
    });
    assert!(log.contains(&format!("{at} would deny: ")), "{log}");
    let decisions = json(admin, "/api/decisions");
    let would = decisions["faults"].as_array().unwrap();
    assert!(
        would
            .iter()
            .any(|fault| fault["outcome"] == "would_deny" && fault["target"] == at)
    );
}

#[test]
fn show_asks_the_running_proxy() {
    let home = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", home.path().join("admin.sock").display());
    let proxy = Setup::new().flag("admin", &*socket).start();
    proxy.ask(connect_head("no-port"));
    let show = |more: &[&str]| {
        let output = Setup::new()
            .flag("admin", &*socket)
            .output(&[&["show"], more].concat());
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, text) = show(&[]);
    assert_eq!(code, Some(0));
    let row = |name: &str, value: &str| {
        let line = format!("{name:<40}: {value}");
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    };
    row("Proxy Status", "Ready");
    row("Using HTTPS Proxy", &proxy.url());
    row("Requests Refused", "1");
    row("Report Only", "no");
    let (_, text) = show(&["--json"]);
    let status: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["requests"]["refused"], 1);
    drop(proxy);
    let output = Setup::new().flag("admin", &*socket).output(&["show"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nothing answers at unix:"), "{said}");
}

#[test]
fn what_others_could_reach_is_refused() {
    for (address, why) in [
        ("0.0.0.0:0", "can be reached by other machines"),
        ("here", "neither an address"),
    ] {
        let output = Setup::new().flag("admin", address).output(&["run"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
