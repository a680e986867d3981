//! `openssl s_client -proxy`, which is how people look at a server from behind a proxy.

use std::io::Write;
use std::process::Stdio;

use narrows_tests::origin::PAGE;
use narrows_tests::program;

use super::bed::Bed;
use super::each_way;

each_way! { s_client: ["openssl"]; }

fn s_client(bed: &Bed) {
    let target = format!("{}:{}", bed.host(), bed.origin.https.port());
    let mut openssl = bed.command("openssl");
    openssl.args(["s_client", "-quiet", "-verify_return_error"]);
    openssl.args([
        "-proxy",
        &bed.proxy.address.to_string(),
        "-connect",
        &target,
    ]);
    openssl.arg("-CAfile").arg(&bed.origin.tls.ca_file);
    let mut openssl = openssl
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    // It stays open: s_client leaves when its input ends, whatever the server still has to say.
    let mut input = openssl.stdin.take().unwrap();
    input.write_all(request.as_bytes()).unwrap();
    let output = openssl.wait_with_output().unwrap();
    drop(input);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with(PAGE), "{}", program::describe(&output));
    assert_eq!(bed.tunnelled(bed.origin.https.port()).len(), 1);
}
