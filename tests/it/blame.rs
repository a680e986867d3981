//! Failures on the way: a status, a field and a line that name the hop and the step.

use narrows_endpoint::{Hop, Step};
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{Once, closed_port};
use narrows_tests::traffic::Told;

#[test]
fn refused_port_is_a_502_that_names_the_target_and_the_step() {
    let target = closed_port();
    let proxy = Proxy::direct();
    let (head, body) = proxy.ask(connect_head(&target.to_string()));
    assert_eq!(head.status(), 502);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("error=connection_refused"), "{status}");
    assert!(status.contains("next-hop=\"target\""), "{status}");
    one_line(&body, &["cannot connect", &target.to_string()]);
    blamed(&proxy.only(), 502, Hop::Target, Step::Connect);
    proxy.stop();
}

#[test]
fn proxy_that_is_down_is_a_502_that_names_the_proxy_and_the_step() {
    let parent = closed_port();
    let proxy = Proxy::through(format!("http://{parent}"));
    let (head, body) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 502);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("error=connection_refused"), "{status}");
    one_line(&body, &["proxy"]);
    blamed(&proxy.only(), 502, Hop::Proxy, Step::Connect);
    proxy.stop();
}

#[test]
fn proxy_that_hangs_is_a_504_that_names_the_proxy_and_the_step() {
    let parent = Once::start(|mut client| {
        client.head();
        client.end()
    });
    let config = format!(
        "[proxy]\nurl = \"{}\"\n[timeouts]\nrequest_seconds = 0.2\n",
        parent.proxy_url()
    );
    let proxy = Setup::new().config(config).start();
    let (head, body) = proxy.ask(connect_head("far.test:443"));
    assert_eq!(head.status(), 504);
    let status = head.field("Proxy-Status").unwrap();
    assert!(status.contains("error="), "{status}");
    one_line(&body, &["proxy"]);
    blamed(&proxy.only(), 504, Hop::Proxy, Step::Request);
    parent.join();
    proxy.stop();
}

/// A refusal's body: one line that a person can act on.
fn one_line(body: &str, words: &[&str]) {
    assert_eq!(body.trim_end().lines().count(), 1, "{body:?}");
    for word in words {
        assert!(body.contains(word), "{body:?} does not say {word}");
    }
}

fn blamed(told: &Told, status: u16, hop: Hop, step: Step) {
    let refused = told.refused();
    assert_eq!(
        (refused.status, refused.hop, refused.step),
        (status, hop, step),
        "{refused:?}"
    );
}
