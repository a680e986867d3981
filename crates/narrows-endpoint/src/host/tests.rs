use super::*;

#[track_caller]
fn accepts(text: &str, canonical: &str) {
    assert_eq!(
        text.parse::<Host>().unwrap().to_string(),
        canonical,
        "{text:?}"
    );
}

#[track_caller]
fn refuses(text: &str, why: HostError) {
    assert_eq!(text.parse::<Host>(), Err(why), "{text:?}");
}

#[test]
fn one_host_has_one_spelling() {
    accepts("example.com", "example.com");
    accepts("EXAMPLE.com.", "example.com");
    accepts("_dmarc.example.com", "_dmarc.example.com");
    accepts("xn--bcher-kva.example", "xn--bcher-kva.example");
    accepts("1.2.3.4", "1.2.3.4");
    accepts("[::1]", "[::1]");
    accepts("[0:0:0:0:0:0:0:1]", "[::1]");
    accepts("[::ffff:127.0.0.1]", "127.0.0.1");
    accepts("0x7f.example", "0x7f.example");
    accepts(
        &format!("{}.com", "a".repeat(63)),
        &format!("{}.com", "a".repeat(63)),
    );
}

#[test]
fn other_spellings_of_ipv4_are_refused() {
    for text in [
        "127.1",
        "0177.0.0.1",
        "0x7f.1",
        "2130706433",
        "1.2.3.4.",
        "0x7f000001",
        "1.2.3",
    ] {
        refuses(text, HostError::Ipv4Spelling);
    }
    for text in ["1.2.3.256", "1.2.3.04", "0x", "a.0x7F", "example.123"] {
        refuses(text, HostError::Ipv4Spelling);
    }
}

#[test]
fn what_is_no_host_is_refused() {
    refuses("", HostError::Empty);
    refuses(".", HostError::Empty);
    refuses("example.com..", HostError::EmptyLabel);
    refuses("a..com", HostError::EmptyLabel);
    refuses(".example.com", HostError::EmptyLabel);
    refuses("user:pw@example.com", HostError::Character(':'));
    refuses("a,b", HostError::Character(','));
    refuses("*", HostError::Character('*'));
    refuses("*.x", HostError::Character('*'));
    refuses("ex%41mple.com", HostError::Character('%'));
    refuses("a b", HostError::Character(' '));
    refuses("a\0b", HostError::Character('\0'));
    refuses("a\r\nb", HostError::Character('\r'));
    refuses("bücher.example", HostError::Character('ü'));
    refuses("example。com", HostError::Character('。'));
    refuses("[::1%25.example.com]", HostError::BadIpv6);
    refuses("[fe80::1%eth0]", HostError::BadIpv6);
    refuses("[example.com]", HostError::BadIpv6);
    refuses("[::1", HostError::BadIpv6);
    refuses("[v1.x]", HostError::BadIpv6);
    refuses("::1", HostError::Unbracketed);
    refuses(&format!("{}.com", "a".repeat(64)), HostError::LabelTooLong);
    refuses(&["a"; 128].join("."), HostError::TooLong);
}

#[test]
fn people_may_write_unicode() {
    for text in [
        "bücher.example",
        "BÜCHER.example.",
        "bücher。example",
        "ｂücher.example",
    ] {
        assert_eq!(
            Host::from_unicode(text).unwrap().to_string(),
            "xn--bcher-kva.example",
            "{text}"
        );
    }
    assert_eq!(Host::from_unicode("１２７.1"), Err(HostError::Ipv4Spelling));
    assert!(Host::from_unicode("bü cher.example").is_err());
}
