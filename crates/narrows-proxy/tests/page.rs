//! The page of `logs report` in a real browser: Debian's Chromium, without a screen.
//!
//! Where it is not installed the test says `SKIPPED`; with `NARROWS_E2E=required` it fails instead.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reports by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Where Debian installs it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Requests of each kind, names that are markup, and a damaged line.
const LOG: &str = r#"time=2024-07-17T04:14:46.339Z level=INFO msg="P:1:C:1 127.0.0.1:4 --> a-rather-long-name-0123456789.guestconfiguration.azure.example:443 on HTTP-1.1"
time=2024-07-17T04:14:46.839Z level=INFO msg="P:1:C:1 done via gatewayh1 bytes ->:2290, <-:5576"
time=2024-07-17T04:15:46.339Z level=INFO msg="P:1:C:2 127.0.0.1:4 --> b.example:443 on HTTP-1.1"
time=2024-07-17T04:15:46.839Z level=INFO msg="P:1:C:2 done via proxy bytes ->:229, <-:55"
time=2024-07-17T04:16:46.339Z level=WARN msg="P:1:C:3 127.0.0.1:4 --> \"<img src=http://evil.example/x onerror=alert(1)>\" refused 400 narrows/head: <script>alert(2)</script>"
time=2024-07-17T04:16:47.339Z level=WARN msg="P:1:C:4 127.0.0.1:4 --> \"</table></main><style>@import url(http://evil.example/)\" refused 403 narrows/decide: no"
time=<script>alert(3)</script>
"#;

/// Shows the page 360 pixels wide and writes down what a person would have of it.
const WITNESS: &str = r#"<!doctype html><meta charset="utf-8">
<iframe src="page.html" style="width:360px;height:800px;border:0"></iframe>
<script>
onload = () => {
    const page = document.querySelector("iframe").contentDocument;
    const all = [...page.querySelectorAll("*")].map((one) => one.localName);
    const seen = {
        width: page.documentElement.scrollWidth,
        back: getComputedStyle(page.body).backgroundColor,
        plots: page.querySelectorAll("svg").length,
        active: all.filter((name) => ["script", "img", "iframe", "object", "link", "a"].includes(name)).length,
        styles: page.querySelectorAll("style").length,
        text: page.body.innerText,
    };
    console.log("the witness speaks");
    const pre = document.createElement("pre");
    pre.textContent = "seen:" + encodeURIComponent(JSON.stringify(seen)) + ":seen";
    document.body.append(pre);
};
</script>
"#;

/// What the witness saw, as JSON; dark is 0, light is 1. The other text is what Chromium said.
fn show(directory: &Path, scheme: u8, proxy: &str) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(CHROMIUM)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        // Whatever it asks for comes here, also what is on loopback.
        .arg(format!("--proxy-server=http://{proxy}"))
        .arg("--proxy-bypass-list=<-loopback>")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}/witness.html", directory.display()))
        .output()
        .unwrap();
    let (dom, said) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    let seen = dom
        .split("<pre>seen:")
        .nth(1)
        .and_then(|rest| rest.split(":seen").next());
    let seen = seen.unwrap_or_else(|| panic!("nothing was seen\n{dom}\n{said}"));
    (decoded(seen), said)
}

/// The inverse of `encodeURIComponent`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

fn available() -> bool {
    if Path::new(CHROMIUM).exists() {
        return true;
    }
    let required = std::env::var_os("NARROWS_E2E").is_some_and(|value| value == "required");
    assert!(
        !required,
        "NARROWS_E2E=required, and chromium is not installed"
    );
    // Not `eprintln!`, which the test harness swallows when a test passes.
    let mut people = std::io::stderr();
    people
        .write_all(
            b"SKIPPED: page: chromium is not installed
",
        )
        .unwrap();
    false
}

#[test]
fn a_browser_shows_the_page_on_a_phone_and_hostile_names_stay_text() {
    if !available() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("a.log");
    std::fs::write(&log, LOG).unwrap();
    let page = Command::new(env!("CARGO_BIN_EXE_narrows-proxy"))
        .args(["logs", "report", "--format", "html"])
        .arg(&log)
        .output()
        .unwrap();
    assert!(page.status.success(), "{page:?}");
    std::fs::write(directory.path().join("page.html"), page.stdout).unwrap();
    std::fs::write(directory.path().join("witness.html"), WITNESS).unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = proxy.local_addr().unwrap().to_string();

    for (scheme, back) in [(0, "rgb(15, 19, 25)"), (1, "rgb(255, 255, 255)")] {
        let (seen, said) = show(directory.path(), scheme, &address);
        let seen: serde_json::Value = serde_json::from_str(&seen).unwrap();
        let width = seen["width"].as_u64().unwrap();
        assert!(width <= 360, "wider than a phone: {width}");
        assert_eq!(seen["back"], back);
        assert!(seen["plots"].as_u64().unwrap() >= 3, "{seen}");
        assert_eq!(seen["active"], 0, "{seen}");
        assert_eq!(seen["styles"], 1, "{seen}");
        let text = seen["text"].as_str().unwrap();
        for part in [
            "50 % of all requests were refused, 1 went through the gateway, 1 went through the proxy. 2 failed",
            "<img src=http://evil.example/x onerror=alert(1)>",
            "<script>alert(2)</script>",
            "</table></main><style>@import url(http://evil.example/)",
            "Damaged lines",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        // Only the witness had something to say.
        let console: Vec<_> = said
            .lines()
            .filter(|line| line.contains("CONSOLE"))
            .collect();
        assert_eq!(console.len(), 1, "{console:#?}");
        assert!(console[0].contains("the witness speaks"), "{console:#?}");
        // The browser itself may ask its maker for something; the page may ask nobody.
        while let Ok((mut stream, _)) = proxy.accept() {
            stream.set_nonblocking(true).unwrap();
            let mut head = [0; 512];
            let read = stream.read(&mut head).unwrap_or(0);
            let asked = String::from_utf8_lossy(&head[..read]);
            assert!(!asked.contains("evil"), "{asked}");
        }
    }
}
