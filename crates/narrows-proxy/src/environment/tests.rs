use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Environment, Problem> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Environment::read(lookup, |url| url.endpoint().port() == 40343)
}

fn upstream(variables: &[(&str, &str)]) -> Option<String> {
    let environment = read(variables).unwrap();
    let (url, source) = environment.upstream?;
    Some(format!("{url} {source}"))
}

/// Whether the target goes directly with this NO_PROXY.
fn direct(no_proxy: &str, target: &str) -> bool {
    let environment = read(&[("HTTPS_PROXY", "http://p:3128"), ("NO_PROXY", no_proxy)]).unwrap();
    let target = target.parse().unwrap();
    environment.upstream.is_none()
        || environment
            .bypass
            .iter()
            .any(|(pattern, _)| pattern.matches(&target))
}

#[test]
fn which_variable_counts() {
    for (variables, expected) in [
        (&[][..], None),
        (
            &[("HTTPS_PROXY", "http://a:1")],
            Some("http://a:1 environment variable HTTPS_PROXY"),
        ),
        (
            &[("https_proxy", "http://b:1")],
            Some("http://b:1 environment variable https_proxy"),
        ),
        (
            &[("all_proxy", "http://c:1")],
            Some("http://c:1 environment variable all_proxy"),
        ),
        (
            &[("https_proxy", "http://b:1"), ("HTTPS_PROXY", "http://a:1")],
            Some("http://a:1 environment variable HTTPS_PROXY"),
        ),
        (
            &[("ALL_PROXY", "http://c:1"), ("https_proxy", "http://b:1")],
            Some("http://b:1 environment variable https_proxy"),
        ),
        // Empty is unset.
        (
            &[("HTTPS_PROXY", " "), ("https_proxy", "http://b:1")],
            Some("http://b:1 environment variable https_proxy"),
        ),
        (&[("NO_PROXY", "example.com")], None),
    ] {
        assert_eq!(upstream(variables).as_deref(), expected, "{variables:?}");
    }
}

#[test]
fn forms_of_the_url() {
    for (value, expected) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example:3128/", "http://proxy.example:3128"),
        ("HTTP://proxy.example", "http://proxy.example:80"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "http://proxy.example:80"),
        (
            "user:secret@proxy.example:3128",
            "http://***@proxy.example:3128",
        ),
        ("[::1]:3128", "http://[::1]:3128"),
    ] {
        let expected = format!("{expected} environment variable HTTPS_PROXY");
        assert_eq!(
            upstream(&[("HTTPS_PROXY", value)]),
            Some(expected),
            "{value}"
        );
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_an_error_without_its_password() {
    for (value, part) in [
        ("ftp://u:secret@proxy.example:3128", "ftp://"),
        ("socks4://u:secret@proxy.example:1080", "socks4://"),
        ("http://u:secret@proxy.example:port", "port"),
        (
            "http://u:secret@proxy.example:3128/path",
            "nothing may follow",
        ),
        ("u:secret@", ""),
    ] {
        let problem = read(&[("HTTPS_PROXY", value)]).unwrap_err().to_string();
        assert!(
            problem.starts_with("error: environment variable HTTPS_PROXY: "),
            "{problem}"
        );
        assert!(problem.contains(part), "{problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }
}

#[test]
fn what_no_proxy_covers() {
    for (no_proxy, target, expected) in [
        ("example.com", "example.com:443", true),
        ("example.com", "www.example.com:443", true),
        ("EXAMPLE.com", "www.example.COM.:443", true),
        ("example.com", "evilexample.com:443", false),
        ("example.com", "example.com.evil.net:443", false),
        (".example.com", "www.example.com:443", true),
        (".example.com", "example.com:443", false),
        ("*.example.com", "a.b.example.com:443", true),
        ("*.example.com", "example.com:443", false),
        ("example.com:8080", "www.example.com:8080", true),
        ("example.com:8080", "www.example.com:443", false),
        (".example.com:8080", "www.example.com:8080", true),
        ("192.0.2.1", "192.0.2.1:443", true),
        ("192.0.2.1", "192.0.2.2:443", false),
        ("192.0.2.1:80", "192.0.2.1:443", false),
        ("192.0.2.1:80", "192.0.2.1:80", true),
        ("192.0.2.0/24", "192.0.2.9:443", true),
        ("192.0.2.0/24", "192.0.3.9:443", false),
        ("2001:db8::1", "[2001:db8::1]:443", true),
        ("[2001:db8::1]", "[2001:db8::1]:443", true),
        ("[2001:db8::1]:80", "[2001:db8::1]:443", false),
        ("2001:db8::/32", "[2001:db8::1]:443", true),
        ("intranet", "intranet:443", true),
        ("a.example, b.example", "x.b.example:443", true),
        ("a.example b.example\tc.example", "x.c.example:443", true),
        (",, ,a.example,", "a.example:443", true),
        ("*", "anything.example:443", true),
        ("a.example,*", "anything.example:443", true),
        ("", "example.com:443", false),
        // Not listed, and direct all the same.
        ("", "localhost:443", true),
        ("", "127.9.9.9:443", true),
        ("", "[::1]:443", true),
    ] {
        assert_eq!(
            direct(no_proxy, target),
            expected,
            "NO_PROXY={no_proxy:?} {target}"
        );
    }
}

#[test]
fn a_refused_entry_is_a_warning_and_the_rest_counts() {
    let environment = read(&[
        ("https_proxy", "http://p:3128"),
        (
            "no_proxy",
            "*corp.example,10.1.2.3/8,192.168.1.*,http://x.example/,ok.example",
        ),
    ])
    .unwrap();
    assert_eq!(environment.warnings.len(), 4, "{:?}", environment.warnings);
    for (warning, text) in environment.warnings.iter().zip([
        "*corp.example",
        "10.1.2.3/8",
        "192.168.1.*",
        "http://x.example/",
    ]) {
        assert!(warning.starts_with("no_proxy: left out: "), "{warning}");
        assert!(warning.contains(text), "{warning}");
    }
    let target = "ok.example:443".parse().unwrap();
    assert!(
        environment
            .bypass
            .iter()
            .any(|(pattern, _)| pattern.matches(&target))
    );
}

#[test]
fn http_proxy_alone_is_said_to_be_unused() {
    let environment = read(&[("http_proxy", "http://p:3128")]).unwrap();
    assert!(environment.upstream.is_none());
    assert!(environment.warnings[0].starts_with("http_proxy is not used"));
    let environment = read(&[("http_proxy", "http://p:1"), ("https_proxy", "http://p:2")]).unwrap();
    assert!(environment.warnings.is_empty());
}

#[test]
fn our_own_address_is_no_upstream() {
    let environment = read(&[
        ("HTTPS_PROXY", "http://localhost:40343"),
        ("NO_PROXY", "a.example"),
    ])
    .unwrap();
    assert!(environment.upstream.is_none());
    assert!(environment.bypass.is_empty());
    assert!(environment.warnings[0].contains("points at this proxy itself"));
}

proptest::proptest! {
    #[test]
    fn any_list_is_read(list in "[a-z0-9.*:/, \\[\\]-]{0,80}") {
        let environment = read(&[("HTTPS_PROXY", "http://p:3128"), ("NO_PROXY", &list)]).unwrap();
        if list.split([',', ' ']).any(|entry| entry == "*") {
            assert!(environment.upstream.is_none());
        } else {
            assert!(environment.upstream.is_some());
        }
    }
}
