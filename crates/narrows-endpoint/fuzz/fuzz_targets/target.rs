//! What we accept as a target, others accept too, and read the same host and port out of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_endpoint::{Host, Target};

fuzz_target!(|text: &str| {
    let _ = Host::from_unicode(text);
    let Ok(target) = text.parse::<Target>() else {
        return;
    };
    let canonical = target.to_string();
    assert_eq!(canonical.parse(), Ok(target.clone()));

    let authority: http::uri::Authority = text.parse().expect("http refuses what we accept");
    assert_eq!(authority.port_u16(), Some(target.port()));

    // Names with a bad `xn--` label are no URLs, but they can be in the DNS, and rules can name them.
    let Ok(url) = url::Url::parse(&format!("http://{text}")) else {
        assert!(canonical.contains("xn--"), "url refuses {text:?}");
        return;
    };
    assert_eq!(url.port_or_known_default(), Some(target.port()));
    let host = url.host_str().expect("http URLs have hosts");
    let theirs: Host = host.parse().expect("we refuse what url makes of it");
    assert_eq!(&theirs, target.host());
});
