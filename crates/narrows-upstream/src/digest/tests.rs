use super::*;

fn challenge(parameters: &[(&str, &str)]) -> Option<Challenge> {
    let owned = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Challenge::read(&owned.collect::<Vec<_>>())
}

fn mufasa() -> Credentials {
    Credentials::new("Mufasa", "Circle of Life").unwrap()
}

/// RFC 7616 §3.9.1.
#[test]
fn the_rfcs_example() {
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = challenge(&[
            ("realm", "http-auth@example.org"),
            ("qop", "auth, auth-int"),
            ("algorithm", algorithm),
            ("nonce", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
            ("opaque", "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"),
        ])
        .unwrap();
        let value = challenge.answer_with(&mufasa(), "GET", "/dir/index.html", CNONCE, 1);
        for part in [
            &*format!("response=\"{response}\""),
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\"",
            "uri=\"/dir/index.html\"",
            &format!("algorithm={algorithm},"),
            "qop=auth, nc=00000001",
            &format!("cnonce=\"{CNONCE}\""),
            "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        ] {
            assert!(value.contains(part), "{part} not in {value}");
        }
    }
}

/// RFC 2617 §3.5 without `qop` (RFC 2069), as old proxies ask.
#[test]
fn the_old_form() {
    let challenge = challenge(&[
        ("realm", "testrealm@host.com"),
        ("nonce", "dcd98b7102dd2f0e8b11d0f600bfb0c093"),
    ]);
    let credentials = Credentials::new("Mufasa", "CircleOfLife").unwrap();
    let value = challenge
        .unwrap()
        .answer_with(&credentials, "GET", "/dir/index.html", "x", 1);
    assert!(
        value.contains("response=\"1949323746fe6a43ef61f9606e7febea\""),
        "{value}"
    );
    assert!(
        !value.contains("cnonce") && !value.contains("qop"),
        "{value}"
    );
}

#[test]
fn what_cannot_be_answered() {
    let base = [("realm", "r"), ("nonce", "n")];
    let with = |more: (&'static str, &'static str)| challenge(&[base[0], base[1], more]);
    assert!(with(("algorithm", "SHA-512-256")).is_none());
    assert!(with(("qop", "auth-int")).is_none());
    assert!(challenge(&base[..1]).is_none());
    assert!(with(("algorithm", "md5-sess")).unwrap().session);
    assert!(with(("stale", "TRUE")).unwrap().stale);
}

#[test]
fn each_use_of_a_nonce_is_counted_and_different() {
    let challenge = challenge(&[("realm", "r"), ("nonce", "n"), ("qop", "auth")]).unwrap();
    let answer = || challenge.answer(&mufasa(), "CONNECT", "a.example:443");
    let (first, second) = (answer(), answer());
    assert!(first.contains("nc=00000001") && second.contains("nc=00000002"));
    let cnonce = |value: &str| value.split("cnonce=").nth(1).unwrap().to_owned();
    assert_ne!(cnonce(&first), cnonce(&second));
}

#[test]
fn texts_stay_inside_their_quotes() {
    let challenge = challenge(&[("realm", "a\"b\\c"), ("nonce", "n")]).unwrap();
    let credentials = Credentials::new("ü\"x", "p").unwrap();
    let value = challenge.answer_with(&credentials, "CONNECT", "a:1", "c", 1);
    assert!(value.contains("username*=UTF-8''%C3%BC%22x"), "{value}");
    assert!(value.contains("realm=\"a\\\"b\\\\c\""), "{value}");
    assert!(value.is_ascii());
}
