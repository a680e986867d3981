//! A real proxy that says 200 and then ends the connection because of the name in the ClientHello.

use narrows_tests::lab::{Chain, HOST, Lab, TlsServer};
use narrows_tests::origin::Origin;
use narrows_tests::probe;
use narrows_tests::program;
use narrows_tests::squid::Squid;

#[test]
fn squid_that_terminates_by_name_is_not_taken_for_reachability() {
    if !program::installed(&["curl"]) || Squid::that_reads_tls().is_none() {
        return;
    }
    let (lab, origin) = (Lab::new(), Origin::start());
    let server = lab.tls(TlsServer::with(Chain::Good));
    let squid = Squid::terminating(HOST, &origin.tls);
    let target = format!("{HOST}:{}", server.port());
    let ca_file = lab.pki.ca_file.display().to_string();

    let curl = program::command("curl", lab.directory())
        .args(["-sS", "--max-time", "10", "--cacert", &ca_file])
        .args(["--proxy", &squid.url, &format!("https://{target}/")])
        .output()
        .unwrap();
    assert!(!curl.status.success(), "{}", program::describe(&curl));

    let via = format!("proxy={}", squid.url);
    let args = ["check", &target, "--via", &via, "--ca-file", &ca_file];
    let (code, said, _) = probe::run(lab.directory(), &args);
    assert_eq!(code, Some(1), "{said}");
    for word in [
        "opened the tunnel, then: closed",
        "tls.sni_filtered",
        "(proved)",
    ] {
        assert!(said.contains(word), "{word:?} not in {said}");
    }
}
