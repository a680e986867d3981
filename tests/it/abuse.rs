//! Bad input, one test a row. After each: the stated outcome, a closed connection, exactly one line in
//! the log, no descriptor left, and a proxy that goes on serving.

mod heads;
mod leaving;
mod loops;
mod million;
mod plain;
mod reach;
mod upstream;

use narrows_endpoint::{Hop, Step};
use narrows_tests::proxy::{Proxy, connect_head};
use narrows_tests::raw::Once;

/// Sends each request on a connection of its own, and expects that it is refused with `status`.
/// The second half of a case is the target as the log must repeat it; `None` where there is none.
fn all_refused(proxy: &Proxy, status: u16, cases: &[(String, Option<&str>)]) {
    for (at, (request, target)) in cases.iter().enumerate() {
        let (head, body) = proxy.ask(request);
        assert_eq!(head.status(), status, "{request:?}: {}", head.as_str());
        assert!(
            head.field("Proxy-Status").is_some(),
            "{request:?}: {}",
            head.as_str()
        );
        assert_eq!(body.trim_end().lines().count(), 1, "{request:?}: {body:?}");
        let told = proxy.finished(at + 1);
        let refused = told[at].refused();
        assert_eq!(refused.status, status, "{request:?}: {refused:?}");
        if let Some(target) = target {
            assert_eq!(refused.target, *target, "{request:?}");
        }
    }
}

/// CONNECT with each of these targets is malformed: 400, blamed on the client's head.
fn bad_targets(targets: &[&str]) {
    let proxy = Proxy::direct();
    let cases: Vec<_> = targets
        .iter()
        .map(|target| (connect_head(target), Some(logged(target))))
        .collect();
    all_refused(&proxy, 400, &cases);
    for told in proxy.finished(cases.len()) {
        assert_eq!(
            (told.refused().hop, told.refused().step),
            (Hop::Client, Step::Head)
        );
    }
    still_serves(&proxy, cases.len());
    proxy.stop();
}

/// A malformed target as the log has it: whole, but for what may be a secret.
fn logged(target: &str) -> &str {
    match target {
        "https://far.test:443/" => "https://far.test:443",
        "user@far.test:443" | "user:password@far.test:443" => "***@far.test:443",
        other => other,
    }
}

/// A tunnel works after `before` requests, and the log then holds one more.
fn still_serves(proxy: &Proxy, before: usize) {
    let target = Once::start(|mut client| client.end());
    let mut client = proxy.tunnel(&target.address.to_string());
    client.finish();
    client.end();
    target.join();
    proxy.finished(before + 1);
}
