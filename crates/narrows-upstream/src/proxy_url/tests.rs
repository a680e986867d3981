use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<ProxyUrl, ProxyUrlError> {
    text.parse()
}

#[test]
fn urls_are_read() {
    for (text, endpoint) in [
        ("http://proxy.example:3128", "proxy.example:3128"),
        ("HTTP://Proxy.Example:3128/", "proxy.example:3128"),
        ("http://proxy.example", "proxy.example:80"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://u:p@10.0.0.1:8080", "10.0.0.1:8080"),
    ] {
        assert_eq!(parse(text).unwrap().endpoint().to_string(), endpoint);
    }
}

#[test]
fn credentials_are_decoded() {
    for (userinfo, user, password) in [
        ("user:secret", "user", "secret"),
        ("user", "user", ""),
        ("user:", "user", ""),
        ("dom%5Cuser:p%40%3a%2F%25", "dom\\user", "p@:/%"),
        ("user:p@ss:word", "user", "p@ss:word"),
        ("%C3%BCser:%e2%82%ac", "üser", "€"),
    ] {
        let url = parse(&format!("http://{userinfo}@proxy.example:1")).unwrap();
        let expected = Credentials::new(user, password).unwrap();
        assert_eq!(url.credentials(), Some(&expected), "{userinfo}");
    }
}

#[test]
fn everything_else_is_refused() {
    use ProxyUrlError as Error;
    for (text, expected) in [
        ("", Error::MissingScheme),
        ("proxy.example:3128", Error::MissingScheme),
        ("http:proxy.example:3128", Error::MissingScheme),
        ("user:p://w@proxy.example:1", Error::MissingScheme),
        ("ftp://proxy.example:3128", Error::Scheme("ftp".into())),
        ("SOCKS4://proxy.example", Error::Scheme("socks4".into())),
        ("http://proxy.example:1/path", Error::Path),
        ("http://proxy.example:1//", Error::Path),
        ("http://proxy.example:1?a", Error::Path),
        ("http://proxy.example:1#a", Error::Path),
        ("http://u:p/w@proxy.example:1", Error::RawDelimiter),
        ("http://u:p#w@proxy.example:1", Error::RawDelimiter),
        ("http://proxy.example:0", Error::Endpoint(TargetError::Port)),
        ("http://proxy.example:", Error::Endpoint(TargetError::Port)),
        ("http://u:%4@proxy.example", Error::PercentEncoding),
        ("http://u:%gg@proxy.example", Error::PercentEncoding),
        ("http://u:%ff@proxy.example", Error::PercentEncoding),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected, "{text}");
    }
    for text in [
        "http://",
        "http:///",
        "http://u:p@",
        "http://a b:1",
        "http://127.1:1",
        "http://u:p%0d%0aX@proxy.example",
        "http://u%3a:p@proxy.example",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn three_schemes_with_their_ports() {
    for (text, expected, scheme) in [
        ("http://p.example", "http://p.example:80", ProxyScheme::Http),
        (
            "HTTPS://p.example",
            "https://p.example:443",
            ProxyScheme::Https,
        ),
        (
            "socks5://p.example",
            "socks5://p.example:1080",
            ProxyScheme::Socks5,
        ),
        (
            "socks5h://u@p.example:1",
            "socks5://***@p.example:1",
            ProxyScheme::Socks5,
        ),
    ] {
        let url = parse(text).unwrap();
        assert_eq!((url.to_string().as_str(), url.scheme()), (expected, scheme));
    }
}

#[test]
fn nothing_shows_the_credentials() {
    let url = parse("http://agent:hunter2@proxy.example:1").unwrap();
    assert_eq!(url.to_string(), "http://***@proxy.example:1");
    assert_eq!(format!("{url:?}"), "ProxyUrl(http://***@proxy.example:1)");
    for text in [
        "socks4://agent:hunter2@proxy.example",
        "http://agent:hunter2@",
        "http://agent:hunter2@proxy.example:x",
        "http://agent:hunter2/@proxy.example",
        "http://agent:hunter2%0a@proxy.example",
        "http://agent:hunter2%@proxy.example",
        "agent:hunter2@proxy.example",
        "agent:hunter2://proxy.example",
    ] {
        let error = parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(http://)?\\PC*") {
        if let Ok(url) = parse(&text) {
            let again = parse(&format!("http://{}/", url.endpoint())).unwrap();
            prop_assert_eq!(again.endpoint(), url.endpoint());
        }
    }

    #[test]
    fn encoded_credentials_come_back(user in "[^:\\p{Cc}]*", password in "\\PC*") {
        let encode = |text: &str| -> String {
            text.bytes().map(|byte| format!("%{byte:02x}")).collect()
        };
        let text = format!("http://{}:{}@proxy.example", encode(&user), encode(&password));
        let expected = Credentials::new(user, password).unwrap();
        let url = parse(&text).unwrap();
        prop_assert_eq!(url.credentials(), Some(&expected));
    }
}
