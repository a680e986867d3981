//! Credentials: sent only when they should be, and rejected only once.

use std::sync::Arc;
use std::time::Duration;

use narrows_endpoint::{Hop, Step, Target};
use narrows_upstream::{Authentication, DialErrorKind, Dialer, StaticResolver, Timeouts, Upstream};

use crate::scripted::{Proxy, Script, Then, dialer, has_login};

const OPEN: Script = Script("HTTP/1.1 200 OK\r\n\r\n", Then::Echo);
/// As Squid answers, keep-alive and all.
const ASKS: Script = Script(
    "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
     Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n",
    Then::Hang,
);
/// The `Proxy-Authorization` value of `agent:secret`.
const GOOD: &str = "Basic YWdlbnQ6c2VjcmV0\r\n";

fn target() -> Target {
    "target.example:443".parse().unwrap()
}

/// Wants `agent:secret` by Basic.
async fn demanding() -> Proxy {
    Proxy::start(|head| if head.contains(GOOD) { OPEN } else { ASKS }).await
}

fn upstream(proxy: &Proxy, userinfo: &str) -> Upstream {
    Upstream::new(format!("http://{userinfo}{}", proxy.addr).parse().unwrap())
}

#[tokio::test]
async fn credentials_are_sent_when_asked_for_and_then_at_once() {
    let proxy = demanding().await;
    let upstream = upstream(&proxy, "agent:secret@");
    for _ in 0..3 {
        dialer().through(&upstream, &target()).await.unwrap();
    }
    let sent: Vec<_> = proxy.heads().iter().map(|head| has_login(head)).collect();
    assert_eq!(sent, [false, true, true, true]);
}

#[tokio::test]
async fn preemptive_credentials_save_the_first_round() {
    let proxy = demanding().await;
    let upstream = upstream(&proxy, "agent:secret@").preemptive(true);
    dialer().through(&upstream, &target()).await.unwrap();
    assert_eq!((proxy.heads().len(), proxy.logins()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_does_not_ask_gets_none() {
    let proxy = Proxy::start(|_| OPEN).await;
    let upstream = upstream(&proxy, "agent:secret@");
    for _ in 0..2 {
        dialer().through(&upstream, &target()).await.unwrap();
    }
    assert_eq!((proxy.heads().len(), proxy.logins()), (2, 0));
}

/// Row 32.
#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let proxy = demanding().await;
    for preemptive in [false, true] {
        let before = proxy.logins();
        let upstream = upstream(&proxy, "agent:wrong@").preemptive(preemptive);
        for expected in [
            "and rejected the configured ones: 407",
            "and rejected the configured ones before; they are not sent again until changed: 407",
            "and rejected the configured ones before",
        ] {
            let error = dialer().through(&upstream, &target()).await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(expected), "{text}");
            assert!(
                text.contains("wants credentials by negotiate, basic,"),
                "{text}"
            );
            assert!(!text.contains("wrong"), "{text}");
            assert_eq!((error.hop(), error.step()), (Hop::Proxy, Step::Request));
            assert_eq!(error.status(), 502);
            assert!(!error.is_proxy_down());
        }
        assert_eq!(proxy.logins() - before, 1);
    }
}

/// The verdict stands in the head; a body that never comes must not make it forgotten.
#[tokio::test]
async fn a_rejection_counts_without_its_body() {
    let answer = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 9\r\n\r\n";
    let proxy = Proxy::always(answer, Then::Hang).await;
    let upstream = upstream(&proxy, "agent:wrong@").preemptive(true);
    // The head comes in less than that on any machine; the body costs all of it.
    let timeouts = Timeouts {
        request: Duration::from_secs(3),
        ..Timeouts::default()
    };
    let dialer = Dialer::new(StaticResolver::new(), timeouts);
    let error = dialer.through(&upstream, &target()).await.unwrap_err();
    assert!(
        matches!(error.kind(), DialErrorKind::Authentication(..)),
        "{error}"
    );
    assert!(upstream.rejected());
}

/// Row 32.
#[tokio::test]
async fn many_tunnels_at_once_try_a_wrong_password_once() {
    let proxy = demanding().await;
    for preemptive in [false, true] {
        let before = proxy.logins();
        let upstream = Arc::new(upstream(&proxy, "agent:wrong@").preemptive(preemptive));
        let dials: Vec<_> = (0..20)
            .map(|_| {
                let upstream = Arc::clone(&upstream);
                tokio::spawn(async move { dialer().through(&upstream, &target()).await })
            })
            .collect();
        for dial in dials {
            assert!(dial.await.unwrap().is_err());
        }
        assert_eq!(proxy.logins() - before, 1);
    }
}

#[tokio::test]
async fn many_tunnels_at_once_all_open_with_the_right_password() {
    let proxy = demanding().await;
    let upstream = Arc::new(upstream(&proxy, "agent:secret@"));
    let dials: Vec<_> = (0..20)
        .map(|_| {
            let upstream = Arc::clone(&upstream);
            tokio::spawn(async move { dialer().through(&upstream, &target()).await })
        })
        .collect();
    for dial in dials {
        dial.await.unwrap().unwrap();
    }
    assert_eq!(proxy.logins(), 20);
}

/// Row 31: Basic is sent to who asks for Basic, and a 407 without a challenge asks for nothing.
#[tokio::test]
async fn only_an_offer_of_basic_is_answered() {
    for (challenge, expected) in [
        (
            "",
            "wants credentials without naming a scheme, so none were sent",
        ),
        (
            "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n",
            "wants credentials by negotiate, ntlm, none of which can be used with the configured ones",
        ),
    ] {
        let answer = format!("HTTP/1.1 407 No\r\n{challenge}Content-Length: 0\r\n\r\n");
        let proxy = Proxy::always(Box::leak(answer.into()), Then::Close).await;
        let upstream = upstream(&proxy, "agent:secret@");
        let error = dialer().through(&upstream, &target()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error.kind(), DialErrorKind::Authentication(..)));
        assert_eq!((proxy.heads().len(), proxy.logins()), (1, 0));
        assert!(!upstream.rejected());
    }
}

#[tokio::test]
async fn without_credentials_the_schemes_are_named() {
    let proxy = demanding().await;
    let upstream = upstream(&proxy, "");
    let error = dialer().through(&upstream, &target()).await.unwrap_err();
    let expected = "wants credentials by negotiate, basic, but none are configured for it";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(proxy.heads().len(), 1);
}

/// A forbidden target is no changed password.
#[tokio::test]
async fn one_forbidden_target_does_not_cost_the_credentials() {
    let proxy = Proxy::start(|head| {
        let forbidden = head.starts_with("CONNECT forbidden.example");
        if head.contains(GOOD) && !forbidden {
            OPEN
        } else {
            ASKS
        }
    })
    .await;
    let upstream = upstream(&proxy, "agent:secret@");
    let forbidden = "forbidden.example:443".parse().unwrap();
    for _ in 0..3 {
        dialer().through(&upstream, &target()).await.unwrap();
        dialer().through(&upstream, &forbidden).await.unwrap_err();
    }
    assert!(!upstream.rejected());
}

#[tokio::test]
async fn a_changed_password_is_noticed_after_two_logins() {
    let proxy = Proxy::always(ASKS.0, ASKS.1).await;
    let upstream = upstream(&proxy, "agent:secret@");
    upstream.authorize(true).await.conclude(200);
    for _ in 0..4 {
        dialer().through(&upstream, &target()).await.unwrap_err();
    }
    assert!(upstream.rejected());
    assert_eq!(proxy.logins(), 2);
}

/// The parameters of a Digest answer, checked for `agent:secret`.
fn digest_is_good(head: &str, nonce: &str) -> bool {
    let Some(line) = head
        .lines()
        .find(|line| line.starts_with("Proxy-Authorization: Digest "))
    else {
        return false;
    };
    // A good password is known by the hash of the whole; the dance is what is looked at here.
    line.contains("username=\"agent\"")
        && line.contains(&format!("nonce=\"{nonce}\""))
        && line.contains("uri=\"target.example:443\"")
        && line.contains("algorithm=SHA-256")
}

const DIGEST: Script = Script(
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"c\"\r\n\
     Proxy-Authenticate: Digest realm=\"c\", nonce=\"one\", qop=\"auth\"\r\n\
     Proxy-Authenticate: Digest realm=\"c\", nonce=\"one\", qop=\"auth\", algorithm=SHA-256\r\n\
     Content-Length: 0\r\n\r\n",
    Then::Close,
);
const STALE: Script = Script(
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm=\"c\", nonce=\"two\", qop=\"auth\", \
     algorithm=SHA-256, stale=true\r\nContent-Length: 0\r\n\r\n",
    Then::Close,
);

#[tokio::test]
async fn digest_goes_before_basic_and_counts_its_nonce() {
    let proxy = Proxy::start(|head| {
        if digest_is_good(head, "one") {
            OPEN
        } else {
            DIGEST
        }
    })
    .await;
    let upstream = upstream(&proxy, "agent:secret@");
    for _ in 0..3 {
        dialer().through(&upstream, &target()).await.unwrap();
    }
    let heads = proxy.heads();
    assert_eq!((heads.len(), proxy.logins()), (4, 0), "nothing by Basic");
    assert!(!heads.concat().contains("secret"));
    for (head, count) in heads[1..].iter().zip(["00000001", "00000002", "00000003"]) {
        assert!(head.contains(&format!("nc={count}")), "{head}");
    }
}

#[tokio::test]
async fn a_stale_nonce_costs_one_round_and_no_rejection() {
    let proxy = Proxy::start(|head| {
        if digest_is_good(head, "two") {
            OPEN
        } else if digest_is_good(head, "one") {
            STALE
        } else {
            DIGEST
        }
    })
    .await;
    let upstream = upstream(&proxy, "agent:secret@");
    dialer().through(&upstream, &target()).await.unwrap();
    assert_eq!(proxy.heads().len(), 3);
    dialer().through(&upstream, &target()).await.unwrap();
    assert_eq!(proxy.heads().len(), 4);

    let never = Proxy::start(|head| {
        if head.contains("Digest") {
            STALE
        } else {
            DIGEST
        }
    })
    .await;
    let upstream = self::upstream(&never, "agent:secret@");
    let error = dialer().through(&upstream, &target()).await.unwrap_err();
    assert!(error.to_string().contains("stale"), "{error}");
    assert_eq!(never.heads().len(), 3, "bounded");
    assert!(!upstream.rejected());
}

#[tokio::test]
async fn a_password_that_digest_rejects_is_tried_once() {
    let proxy = Proxy::start(|_| DIGEST).await;
    let upstream = upstream(&proxy, "agent:wrong@");
    for _ in 0..3 {
        dialer().through(&upstream, &target()).await.unwrap_err();
    }
    let tries = proxy
        .heads()
        .iter()
        .filter(|head| head.contains("Proxy-Authorization"))
        .count();
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn who_wants_digest_alone_sends_nothing_by_basic() {
    let proxy = demanding().await;
    let upstream = upstream(&proxy, "agent:secret@").with_authentication(Authentication::Digest);
    let error = dialer().through(&upstream, &target()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("wants credentials by negotiate, basic, none of which"),
        "{error}"
    );
    assert_eq!(proxy.logins(), 0);
}

/// Whoever offers Basic alone after Digest has worked is not sent the password in clear.
#[tokio::test]
async fn digest_that_worked_is_not_given_up_for_basic() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let proxy =
        Proxy::start(
            move |head| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => DIGEST,
                1 if digest_is_good(head, "one") => OPEN,
                _ => ASKS,
            },
        )
        .await;
    let upstream = upstream(&proxy, "agent:secret@");
    dialer().through(&upstream, &target()).await.unwrap();
    for _ in 0..3 {
        dialer().through(&upstream, &target()).await.unwrap_err();
    }
    assert_eq!(proxy.logins(), 0);
}

#[tokio::test]
async fn a_token_goes_where_bearer_is_offered_and_nowhere_else() {
    const BEARER: Script = Script(
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"c\", Bearer realm=\"c\"\r\n\
         Content-Length: 0\r\n\r\n",
        Then::Close,
    );
    let is_good = |head: &str| head.contains("\r\nProxy-Authorization: Bearer t0ken\r\n");
    let proxy = Proxy::start(move |head| if is_good(head) { OPEN } else { BEARER }).await;
    let with_token = upstream(&proxy, "").with_token("t0ken".parse().unwrap());
    dialer().through(&with_token, &target()).await.unwrap();
    let basic = demanding().await;
    let with_token = upstream(&basic, "").with_token("t0ken".parse().unwrap());
    dialer().through(&with_token, &target()).await.unwrap_err();
    assert!(!basic.heads().concat().contains("t0ken"));
}
