use super::*;

#[track_caller]
fn check(text: &str, expected: ResolveFault) {
    assert_eq!(
        classify(&io::Error::other(text.to_owned())),
        expected,
        "{text}"
    );
}

#[test]
fn errors_are_told_apart_by_their_text() {
    let lead = "failed to lookup address information";
    check(
        &format!("{lead}: Name or service not known"),
        ResolveFault::NotFound,
    );
    check(
        "No such host is known. (os error 11001)",
        ResolveFault::NotFound,
    );
    check(
        &format!("{lead}: No address associated with hostname"),
        ResolveFault::NoAddress,
    );
    check(
        &format!("{lead}: Temporary failure in name resolution"),
        ResolveFault::Failed("Temporary failure in name resolution".to_owned()),
    );
}

#[tokio::test]
async fn this_machine_has_addresses() {
    let host: narrows_endpoint::Host = "localhost".parse().unwrap();
    let found = SystemResolver::new()
        .resolve(host.name().unwrap())
        .await
        .unwrap();
    assert!(
        found.iter().all(IpAddr::is_loopback) && !found.is_empty(),
        "{found:?}"
    );
}
