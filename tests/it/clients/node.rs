//! Node's undici, fetch and WebSocket through its `ProxyAgent`; and global-agent, which gives Node's own `https` a
//! proxy.

use std::process::Command;

use narrows_tests::origin::PAGE;
use narrows_tests::program;
use narrows_tests::websocket;

use super::bed::Bed;
use super::each_way;

each_way! {
    fetch: ["node"];
    web_socket: ["node"];
    global_agent: ["node"];
}

const FETCH: &str = r#"
const { fetch, ProxyAgent } = require("undici");
const [proxy, ca, url] = process.argv.slice(1);
const tls = { ca: require("fs").readFileSync(ca) };
const dispatcher = new ProxyAgent({ uri: proxy, requestTls: tls });
(async () => {
    const answer = await fetch(url, { dispatcher });
    process.stdout.write(await answer.text());
    await dispatcher.close();
})();
"#;

const WEB_SOCKET: &str = r#"
const { WebSocket, ProxyAgent } = require("undici");
const [proxy, ca, url] = process.argv.slice(1);
const tls = { ca: require("fs").readFileSync(ca) };
const dispatcher = new ProxyAgent({ uri: proxy, requestTls: tls });
const socket = new WebSocket(url, { dispatcher });
socket.onopen = () => socket.send("ping across");
socket.onmessage = (message) => { process.stdout.write(message.data); socket.close(); };
socket.onclose = () => dispatcher.destroy();
socket.onerror = (event) => { console.error(event); process.exit(1); };
"#;

const GLOBAL_AGENT: &str = r#"
require("global-agent/bootstrap");
require("https").get(process.argv[3], (answer) => answer.pipe(process.stdout));
"#;

fn fetch(bed: &Bed) {
    let Some(mut node) = node(bed, "undici", FETCH) else {
        return;
    };
    assert_eq!(program::run(node.arg(bed.https("/"))), PAGE);
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}

fn web_socket(bed: &Bed) {
    let Some(mut node) = node(bed, "undici", WEB_SOCKET) else {
        return;
    };
    let port = websocket::echo(&bed.origin.tls).port();
    let url = format!("wss://{}:{port}/", bed.host());
    assert_eq!(program::run(node.arg(url)), "ping across");
    assert_eq!(bed.tunnelled(port).len(), 1);
}

fn global_agent(bed: &Bed) {
    let Some(mut node) = node(bed, "global-agent", GLOBAL_AGENT) else {
        return;
    };
    node.env("GLOBAL_AGENT_HTTP_PROXY", bed.proxy.url())
        .env("NODE_EXTRA_CA_CERTS", &bed.origin.tls.ca_file);
    assert_eq!(program::run(node.arg(bed.https("/"))), PAGE);
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}

/// Node with a script and its first two arguments. The module that it needs is looked for in the directory that
/// `NARROWS_NODE_MODULES` names, and where Node looks by itself.
fn node(bed: &Bed, module: &str, script: &str) -> Option<Command> {
    let modules = std::env::var_os("NARROWS_NODE_MODULES").unwrap_or_default();
    let command = || {
        let mut node = bed.command("node");
        node.env("NODE_PATH", &modules);
        node
    };
    let found = command()
        .args(["-e", &format!("require('{module}')")])
        .output()
        .unwrap();
    if !found.status.success() {
        program::skip(&format!("Node's {module} is not installed"));
        return None;
    }
    let mut node = command();
    node.args(["-e", script, &bed.proxy.url()])
        .arg(&bed.origin.tls.ca_file);
    Some(node)
}
