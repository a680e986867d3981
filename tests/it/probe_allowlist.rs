//! What `narrows-probe allowlist` prints is read by the programs that it is for.

use std::fs;
use std::path::Path;

use narrows_tests::{probe, program};
use tempfile::TempDir;

/// The list of all features of one region, and of servers beside a gateway, in one format.
fn lists(home: &Path, format: &str) -> [String; 2] {
    let all = ["--features", "all", "--set", "workspace_id=0a1b"];
    let beside = [
        "--features",
        "servers",
        "--gateway",
        "0b1c.gw.arc.azure.com",
    ];
    [&all[..], &beside].map(|select| {
        let common = ["allowlist", "--region", "japaneast", "--format", format];
        let args: Vec<_> = common.iter().chain(select).copied().collect();
        let (code, stdout, stderr) = probe::run(home, &args);
        assert_eq!(code, Some(0), "{stderr}");
        stdout
    })
}

#[test]
fn squid_loads_the_list() {
    if !program::installed(&["squid"]) {
        return;
    }
    let home = TempDir::new().unwrap();
    for (at, list) in lists(home.path(), "squid").iter().enumerate() {
        let included = home.path().join(format!("list-{at}.conf"));
        fs::write(&included, list).unwrap();
        let configuration = home.path().join(format!("squid-{at}.conf"));
        let text = format!(
            "http_port 127.0.0.1:3128\ncoredump_dir {home}\npid_filename none\ncache_log /dev/stderr\n\
             include {included}\nhttp_access deny all\n",
            home = home.path().display(),
            included = included.display()
        );
        fs::write(&configuration, text).unwrap();
        let mut squid = program::command("squid", home.path());
        squid.args(["-k", "parse", "-f"]).arg(&configuration);
        let output = squid.output().unwrap();
        let told = program::describe(&output);
        assert!(output.status.success(), "{told}");
        // Squid goes on after many mistakes; it says so.
        for word in ["ERROR", "WARNING", "FATAL"] {
            assert!(!told.contains(word), "{told}");
        }
        assert!(
            told.contains("Processing: http_access allow narrows_names_443"),
            "{told}"
        );
    }
}

#[test]
fn a_pac_engine_evaluates_the_script() {
    if !program::installed(&["node"]) {
        return;
    }
    let home = TempDir::new().unwrap();
    let [full, beside] = lists(home.path(), "pac");
    let listed = [
        "https://download.microsoft.com/",
        "https://DOWNLOAD.microsoft.com./x:80/",
        "https://je.his.arc.azure.com/",
        "https://a.b.his.arc.azure.com:443/",
        "http://www.microsoft.com/pkiops/certs",
        "https://user@azgn1.servicebus.windows.net/",
        "wss://g1-prod-x-sb.servicebus.windows.net/",
    ];
    let other = [
        "https://his.arc.azure.com/",
        "https://je.his.arc.azure.com.evil.example/",
        "https://jexhis.arc.azure.com/",
        "https://download.microsoft.com:8443/",
        "http://download.microsoft.com/",
        "https://example.com/download.microsoft.com",
        "https://constructor/",
        "https://[2001:db8::1]/",
    ];
    let mut said = evaluate(home.path(), &full, &listed);
    said.dedup();
    assert_eq!(said, ["DIRECT"]);
    let mut said = evaluate(home.path(), &full, &other);
    said.dedup();
    assert_eq!(said, ["PROXY 127.0.0.1:40343"]);
    let beside = evaluate(
        home.path(),
        &beside,
        &[
            "https://0b1c.gw.arc.azure.com/",
            "https://weu.his.arc.azure.com/",
        ],
    );
    assert_eq!(beside, ["DIRECT", "PROXY 127.0.0.1:40343"]);
}

/// What the script says for each URL. The context has the language and nothing else, as a PAC engine's:
/// no browser functions are used, so none are needed.
fn evaluate(home: &Path, script: &str, urls: &[&str]) -> Vec<String> {
    let file = home.join("proxy.pac");
    fs::write(&file, script).unwrap();
    let engine = "const vm = require('vm'), fs = require('fs');
        const context = vm.createContext({});
        vm.runInContext(fs.readFileSync(process.argv[1], 'utf8'), context);
        for (const url of process.argv.slice(2)) {
            context.url = url;
            context.host = new URL(url).hostname;
            console.log(vm.runInContext('FindProxyForURL(url, host)', context));
        }";
    let mut node = program::command("node", home);
    node.args(["-e", engine]).arg(&file).args(urls);
    program::run(&mut node).lines().map(str::to_owned).collect()
}

#[test]
fn nft_accepts_the_sets() {
    if !program::installed(&["nft"]) {
        return;
    }
    let home = TempDir::new().unwrap();
    for list in lists(home.path(), "nftables") {
        let file = home.path().join("narrows.nft");
        fs::write(&file, list).unwrap();
        let mut nft = program::command("nft", home.path());
        let output = nft.args(["-c", "-f"]).arg(&file).output().unwrap();
        let told = program::describe(&output);
        // It asks the kernel even when it only checks.
        if told.contains("Operation not permitted") || told.contains("Protocol not supported") {
            return program::unable("nft may not ask the kernel here");
        }
        assert!(output.status.success(), "{told}");
    }
}
