use super::*;

#[track_caller]
fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

/// Checks the canonical spelling, one target that matches and one that does not.
#[track_caller]
fn reads(text: &str, canonical: &str, yes: &str, no: &str) {
    let pattern = pattern(text);
    assert_eq!(pattern.to_string(), canonical, "{text:?}");
    assert_eq!(canonical.parse(), Ok(pattern.clone()), "{text:?} again");
    assert!(pattern.matches(&yes.parse().unwrap()), "{text:?} {yes}");
    assert!(!pattern.matches(&no.parse().unwrap()), "{text:?} {no}");
}

/// Checks that a text is refused with itself and with what to write instead.
#[track_caller]
fn refuses(text: &str, instead: &str) {
    let error = text.parse::<Pattern>().unwrap_err();
    assert_eq!(error.text(), text);
    let message = error.to_string();
    assert!(message.contains(&format!("{text:?}")), "{message}");
    assert!(message.contains(instead), "{message}");
}

#[test]
fn names() {
    reads(
        "example.com",
        "example.com",
        "EXAMPLE.com.:1",
        "www.example.com:1",
    );
    reads(
        "Example.COM.",
        "example.com",
        "example.com:443",
        "example.org:443",
    );
    reads("com", "com", "com:443", "example.com:443");
    reads(
        "bücher.example",
        "xn--bcher-kva.example",
        "xn--bcher-kva.example:1",
        "bcher.example:1",
    );
}

#[test]
fn suffixes() {
    reads(
        "*.example.com",
        "*.example.com",
        "a.b.example.com:443",
        "example.com:443",
    );
    reads(
        "*.example.com.",
        "*.example.com",
        "a.example.com:443",
        "aexample.com:443",
    );
    reads(
        "*.BÜCHER.example",
        "*.xn--bcher-kva.example",
        "a.xn--bcher-kva.example:1",
        "b.example:1",
    );
    reads("*.local", "*.local", "printer.local:631", "local:631");
    // Offered by companies for names of their customers: rules do name them.
    reads(
        "*.blob.core.windows.net",
        "*.blob.core.windows.net",
        "a.blob.core.windows.net:443",
        "a.b:1",
    );
    reads(
        "*.github.io",
        "*.github.io",
        "x.github.io:443",
        "github.io:443",
    );
}

#[test]
fn stars_stay_inside_their_label() {
    let azgn = "azgn*.servicebus.windows.net";
    reads(
        azgn,
        azgn,
        "azgn1.servicebus.windows.net:443",
        "azgn1.evil.servicebus.windows.net:443",
    );
    reads(
        azgn,
        azgn,
        "azgn.servicebus.windows.net:443",
        "servicebus.windows.net:443",
    );
    reads(
        azgn,
        azgn,
        "azgn.servicebus.windows.net:443",
        "x.azgn1.servicebus.windows.net:443",
    );
    let san = "san-af-*-prod.azurewebsites.net";
    reads(
        san,
        san,
        "san-af-eastus-prod.azurewebsites.net:1",
        "san-af-prod.azurewebsites.net:1",
    );
    reads(
        san,
        san,
        "san-af--prod.azurewebsites.net:1",
        "san-af-a.b-prod.azurewebsites.net:1",
    );
    reads(
        "a*b*c.example.com",
        "a*b*c.example.com",
        "a1bb2c.example.com:1",
        "a1b2.example.com:1",
    );
    reads(
        "a*.*b.C.example.com",
        "a*.*b.c.example.com",
        "a1.1b.c.example.com:1",
        "a1.1b.example.com:1",
    );
    reads(
        "a*.mid.b*.example.com",
        "a*.mid.b*.example.com",
        "a.mid.b.example.com:1",
        "a.b.example.com:1",
    );
    // What was cut at both ends must not overlap.
    reads(
        "ab*ba.example.com",
        "ab*ba.example.com",
        "abba.example.com:1",
        "aba.example.com:1",
    );
}

#[test]
fn addresses_and_networks() {
    reads("192.0.2.1", "192.0.2.1", "192.0.2.1:443", "192.0.2.2:443");
    reads(
        "[2001:DB8::1]:443",
        "[2001:db8::1]:443",
        "[2001:db8::1]:443",
        "[2001:db8::1]:80",
    );
    reads(
        "[::ffff:192.0.2.1]",
        "192.0.2.1",
        "[::ffff:192.0.2.1]:443",
        "192.0.2.2:443",
    );
    reads(
        "192.0.2.0/24",
        "192.0.2.0/24",
        "192.0.2.255:443",
        "192.0.3.0:443",
    );
    reads(
        "192.0.2.1/32",
        "192.0.2.1",
        "192.0.2.1:443",
        "192.0.2.2:443",
    );
    reads(
        "192.0.2.0/24:80-81",
        "192.0.2.0/24:80-81",
        "192.0.2.9:81",
        "192.0.2.9:82",
    );
    reads(
        "2001:db8::/32",
        "[2001:db8::]/32",
        "[2001:db8:1::]:1",
        "[2001:db9::]:1",
    );
    reads(
        "[2001:db8::]/32:443",
        "[2001:db8::]/32:443",
        "[2001:db8::1]:443",
        "[2001:db8::1]:80",
    );
    reads(
        "::ffff:10.0.0.0/104",
        "10.0.0.0/8",
        "10.1.2.3:1",
        "11.1.2.3:1",
    );
    reads("0.0.0.0/0", "0.0.0.0/0", "10.1.2.3:1", "[::1]:1");
    reads("::/0", "[::]/0", "[::1]:1", "[::ffff:10.1.2.3]:1");
    reads("10.0.0.0/8", "10.0.0.0/8", "10.0.0.1:1", "10.example:1");
}

#[test]
fn ports() {
    reads(
        "example.com:8084",
        "example.com:8084",
        "example.com:8084",
        "example.com:443",
    );
    reads(
        "*.example.com:8000-8099",
        "*.example.com:8000-8099",
        "a.example.com:8099",
        "a.example.com:8100",
    );
    reads(
        "example.com:80-80",
        "example.com:80",
        "example.com:80",
        "example.com:81",
    );
    reads(
        "example.com:1-65535",
        "example.com",
        "example.com:65535",
        "example.org:1",
    );
    assert_eq!(
        pattern("a.b").or_port(443.try_into().unwrap()),
        pattern("a.b:443")
    );
    assert_eq!(
        pattern("a.b:80").or_port(443.try_into().unwrap()),
        pattern("a.b:80")
    );
}

#[test]
fn what_has_two_readings_is_refused_with_the_right_spelling() {
    refuses("", "write a name");
    refuses("*", "default route");
    refuses("*:443", "default route");
    refuses("*.", "*.example.com");
    refuses("**", "two stars");
    refuses("**.example.com", "covers every depth already");
    refuses("a**.example.com", "no more than one");
    refuses("*.*.example.com", "only in front");
    refuses("a.*.net", "name the label");
    refuses("example.*", "only in front");
    refuses("example.c*", "last label");
    refuses("a*", "last label");
    refuses("*.a*.example.com", "use one");
    refuses("*example.com", "write *.example.com");
    refuses("*gw.arc.azure.com", "write *.gw.arc.azure.com");
    refuses("*-prod.example.com", "write *.example.com");
    refuses(".example.com", "*.example.com for all names below");
    refuses("b*.bücher.*x.example", "");
    refuses("bü*.example.com", "punycode");
}

#[test]
fn whole_registries_are_refused() {
    refuses("*.com", "public suffix com");
    refuses("*.co.uk", "public suffix co.uk");
    refuses("*.com:443", "write *.example.com");
    refuses("*.xn--p1ai", "public suffix");
    refuses("*.рф", "public suffix");
    // The list has `*.ck`: everything below `ck` is a registry.
    refuses("*.ck", "public suffix");
    refuses("contoso*.com", "public suffix com");
    refuses("a*.contoso*.co.uk", "public suffix co.uk");
}

#[test]
fn addresses_have_no_stars_and_networks_no_host_bits() {
    refuses("192.168.1.*", "192.168.1.0/24");
    refuses("10.*", "10.0.0.0/8");
    refuses("10.*.*.*", "10.0.0.0/8");
    refuses("*.192.0.2.1", "192.0.2.1");
    refuses("*.1", "four plain decimal numbers");
    refuses("10.1.2.3/8", "write 10.0.0.0/8");
    refuses("2001:db8::1/32", "write 2001:db8::/32");
    refuses("10.0.0.0/33", "0 to 32");
    refuses("10.0.0.0/08", "0 to 32");
    refuses("10.0.0.0/+8", "0 to 32");
    refuses("::/129", "0 to 128");
    refuses("::1", "square brackets");
    refuses("127.1", "four plain decimal numbers");
    refuses("[fe80::1%eth0]", "zone id");
}

#[test]
fn what_is_no_pattern_is_refused() {
    refuses("http://example.com/x", "write example.com");
    refuses("https://example.com:8443", "write example.com:8443");
    refuses("example.com/", "write example.com");
    refuses("example.com/path:80", "no path");
    refuses("example.com:", "plain decimal");
    refuses("example.com:0", "1 to 65535");
    refuses("example.com:65536", "1 to 65535");
    refuses("example.com:+443", "1 to 65535");
    refuses("example.com:0443", "1 to 65535");
    refuses("example.com:*", "leave them out");
    refuses("example.com:80-", "8000-8099");
    refuses("example.com:81-80", "write :80-81");
    refuses("example.com:80,81", "plain decimal");
    refuses("example.com ", "' '");
    refuses("example.com garbage", "' '");
    refuses("example.com#x", "'#'");
    refuses("user@example.com", "'@'");
    refuses("a..com", "doubled");
    refuses("a*..com", "doubled");
    refuses("example.com\n", "not allowed");
    refuses(
        &format!("{}*.example.com", "a".repeat(63)),
        "longer than 63",
    );
    refuses("[example.com]", "IPv6");
}
