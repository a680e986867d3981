//! Python's requests, urllib3, httpx and aiohttp.

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! {
    requests: ["python3"];
    urllib3: ["python3"];
    httpx: ["python3"];
    aiohttp: ["python3"];
}

/// One HTTPS and one HTTP page in one session, printed one after the other.
const REQUESTS: &str = r#"
import sys, requests
proxy, ca, https, http = sys.argv[1:]
with requests.Session() as session:
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy}
    session.verify = ca
    for url in (https, http):
        answer = session.get(url, timeout=10)
        answer.raise_for_status()
        sys.stdout.write(answer.text)
"#;

const URLLIB3: &str = r#"
import sys, urllib3
proxy, ca, https, http = sys.argv[1:]
with urllib3.ProxyManager(proxy, ca_certs=ca, timeout=10) as pool:
    for url in (https, http):
        answer = pool.request("GET", url)
        assert answer.status == 200, answer.status
        sys.stdout.write(answer.data.decode())
"#;

const HTTPX: &str = r#"
import ssl, sys, httpx
proxy, ca, https, http = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
with httpx.Client(proxy=proxy, verify=trust, trust_env=False, timeout=30) as client:
    for url in (https, http):
        sys.stdout.write(client.get(url).raise_for_status().text)
"#;

const AIOHTTP: &str = r#"
import asyncio, ssl, sys, aiohttp
proxy, ca, https, http = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
async def fetch():
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for url in (https, http):
            async with session.get(url, proxy=proxy, ssl=trust) as answer:
                sys.stdout.write(await answer.text())
asyncio.run(fetch())
"#;

fn requests(bed: &Bed) {
    fetch_both(bed, "requests", REQUESTS);
}

fn urllib3(bed: &Bed) {
    fetch_both(bed, "urllib3", URLLIB3);
}

fn httpx(bed: &Bed) {
    fetch_both(bed, "httpx", HTTPX);
}

fn aiohttp(bed: &Bed) {
    fetch_both(bed, "aiohttp", AIOHTTP);
}

fn fetch_both(bed: &Bed, module: &str, script: &str) {
    if !has_module(bed, module) {
        return;
    }
    let mut python = bed.command("python3");
    python
        .args(["-c", script, &bed.proxy.url()])
        .arg(&bed.origin.tls.ca_file);
    let pages = program::run(python.args([bed.https("/"), bed.http("/")]));
    assert_eq!(pages, format!("{PAGE}{PAGE}"));
    bed.asked_for_both();
}

fn has_module(bed: &Bed, module: &str) -> bool {
    let mut python = bed.command("python3");
    let imported = python
        .args(["-c", &format!("import {module}")])
        .output()
        .unwrap();
    imported.status.success() || program::skip(&format!("Python's {module} is not installed"))
}
