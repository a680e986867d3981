//! A real browser: Debian's Chromium, driven by Node's playwright-core.

use std::path::Path;

use crate::program;

/// Where Debian installs it.
const CHROMIUM: &str = "/usr/bin/chromium";

/// What every script begins with: `page` of a browser with an empty profile, which loads nothing by itself;
/// `seen` gathers errors and the addresses that were asked for. `done(value)` ends it.
const PRELUDE: &str = r#"
const { chromium } = require("playwright-core");
const [profile, ...args] = process.argv.slice(1);
const seen = { errors: [], requests: [] };
const open = async (work) => {
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: "/usr/bin/chromium",
        headless: true,
        viewport: { width: 1280, height: 900 },
        args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    try {
        const page = context.pages()[0] || await context.newPage();
        page.setDefaultTimeout(60000);
        page.on("console", (line) => { if (line.type() !== "log") seen.errors.push(line.text()); });
        page.on("pageerror", (error) => seen.errors.push(String(error)));
        page.on("request", (request) => seen.requests.push(request.url()));
        process.stdout.write(JSON.stringify(await work(page)));
    } finally {
        await context.close();
    }
};
"#;

/// Whether there is a browser; says loudly if not.
///
/// # Panics
///
/// When there is none and `NARROWS_E2E=required`.
pub fn available() -> bool {
    if !Path::new(CHROMIUM).exists() {
        return program::skip("chromium is not installed");
    }
    if !program::installed(&["node"]) {
        return false;
    }
    let found = node(Path::new("/"))
        .args(["-e", "require('playwright-core')"])
        .output()
        .expect("node starts");
    found.status.success() || program::skip("Node's playwright-core is not installed")
}

/// Runs a script that calls `open(async (page) => …)`, and gives the JSON that its function returned.
///
/// # Panics
///
/// When it fails; the message has what it wrote.
pub fn run(script: &str, arguments: &[&str]) -> serde_json::Value {
    let home = tempfile::tempdir().expect("a temporary directory");
    let profile = home.path().join("profile");
    let mut node = node(home.path());
    node.args(["-e", &format!("{PRELUDE}{script}")])
        .arg(&profile)
        .args(arguments);
    let text = program::run(&mut node);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Node, which looks for modules in the directory that `NARROWS_NODE_MODULES` names.
fn node(home: &Path) -> std::process::Command {
    let mut node = program::command("node", home);
    let modules = std::env::var_os("NARROWS_NODE_MODULES").unwrap_or_default();
    node.env("NODE_PATH", modules);
    node
}
