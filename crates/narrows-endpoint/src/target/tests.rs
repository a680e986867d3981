use super::*;

#[test]
fn authority_form_only() {
    for (text, canonical) in [
        ("example.com:443", "example.com:443"),
        ("EXAMPLE.com.:1", "example.com:1"),
        ("1.2.3.4:65535", "1.2.3.4:65535"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), canonical);
    }
    for port in [
        "", "0", "65536", "+443", "-1", "0443", "44 3", " 443", "443 ", "99999", "4x",
    ] {
        assert_eq!(
            format!("example.com:{port}").parse::<Target>(),
            Err(TargetError::Port),
            "{port}"
        );
    }
    for text in ["example.com", "[::1]", "1.2.3.4"] {
        assert_eq!(
            text.parse::<Target>(),
            Err(TargetError::MissingPort),
            "{text}"
        );
    }
    for text in [
        ":443",
        "user@example.com:443",
        "user:pw@example.com:443",
        "https://example.com:443",
        "https://example.com/",
        "example.com:443/",
        "example.com:443/path",
        "example.com:443?q",
        "a,b:443",
        "::1:443",
        "[::1]443",
        "[::1]:443]",
        "[::1%25eth0]:443",
    ] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}

#[test]
fn http_uris_have_a_default_port() {
    let port = NonZeroU16::new(80).unwrap();
    for (text, canonical) in [
        ("example.com", "example.com:80"),
        ("example.com:8080", "example.com:8080"),
        ("[::1]", "[::1]:80"),
        ("[::1]:8080", "[::1]:8080"),
    ] {
        assert_eq!(
            Target::with_default_port(text, port).unwrap().to_string(),
            canonical
        );
    }
    for text in [
        "",
        ":",
        "example.com:",
        "example.com:0",
        "user@example.com",
        "::1",
    ] {
        assert!(Target::with_default_port(text, port).is_err(), "{text}");
    }
}

#[test]
fn userinfo_is_called_by_its_name() {
    let port = NonZeroU16::new(80).unwrap();
    for text in [
        "user@example.com:443",
        "user:pw@example.com:443",
        "a@b@example.com:1",
    ] {
        assert_eq!(text.parse::<Target>(), Err(TargetError::Userinfo), "{text}");
        assert_eq!(
            Target::with_default_port(text, port),
            Err(TargetError::Userinfo),
            "{text}"
        );
    }
}
