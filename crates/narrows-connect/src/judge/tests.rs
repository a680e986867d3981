use super::*;

fn check(version: Version, headers: &[(&str, &str)]) -> Result<Request, RequestError> {
    let headers = headers
        .iter()
        .map(|&(name, value)| (name, value.as_bytes()));
    check_connect("Example.com:443", version, headers)
}

#[track_caller]
fn refuses(version: Version, headers: &[(&str, &str)], why: Kind) {
    let error = check(version, headers).unwrap_err();
    assert_eq!(*error.kind(), why, "{headers:?}");
    assert_eq!(error.status(), 400);
    assert_eq!(error.raw_target(), Some("Example.com:443"));
}

#[test]
fn host_must_name_the_target() {
    for host in [
        "Example.com:443",
        "example.com:443",
        "EXAMPLE.COM",
        "example.com.",
        "example.com.:443",
    ] {
        for version in [Version::Http10, Version::Http11] {
            assert!(check(version, &[("HOST", host)]).is_ok(), "{host}");
        }
    }
    for host in [
        "",
        "example.net",
        "example.com:80",
        "example.com:0443",
        "example.com:",
        "example.com:443, example.com:443",
        "xexample.com",
        "[::1]",
        "http://example.com:443",
    ] {
        for version in [Version::Http10, Version::Http11] {
            refuses(version, &[("host", host)], Kind::HostMismatch);
        }
    }
}

#[test]
fn host_comes_once() {
    assert!(check(Version::Http10, &[]).is_ok());
    refuses(Version::Http11, &[], Kind::HostMissing);
    let twice = [("host", "example.com"), ("Host", "example.com")];
    refuses(Version::Http10, &twice, Kind::HostRepeated);
    refuses(Version::Http11, &twice, Kind::HostRepeated);
}

#[test]
fn bodies_are_refused() {
    let host = ("host", "example.com");
    for body in [
        ("Content-Length", "0"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("TRANSFER-ENCODING", "identity"),
    ] {
        refuses(Version::Http11, &[host, body], Kind::Body);
        refuses(Version::Http10, &[body], Kind::Body);
    }
}

#[test]
fn credentials_stay_here() {
    let host = ("host", "example.com");
    let with = |value| [host, ("Proxy-Authorization", value)];
    let request = check(Version::Http11, &with("basic  c2VjcmV0")).unwrap();
    let authorization = request.proxy_authorization.as_ref().unwrap();
    assert_eq!(authorization.scheme(), "basic");
    assert_eq!(authorization.credentials(), "c2VjcmV0");
    assert!(!format!("{request:?}").contains("c2VjcmV0"));

    let request = check(Version::Http11, &with("Negotiate")).unwrap();
    assert_eq!(request.proxy_authorization.unwrap().credentials(), "");
    for value in ["", "Basic é", "Bas=ic x", "Basic\tx"] {
        refuses(Version::Http11, &with(value), Kind::Authorization);
    }
    let twice = [host, with("Basic eA==")[1], with("Basic eA==")[1]];
    refuses(Version::Http11, &twice, Kind::AuthorizationRepeated);
}
