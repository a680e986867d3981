//! Any lines as values of `Proxy-Authenticate`: no panic, and what is sent in answer is one header line that
//! says the user, and never the password but by Basic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use narrows_upstream::{Authentication, Upstream};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());

fuzz_target!(|values: &[u8]| {
    for form in [
        Authentication::Auto,
        Authentication::Basic,
        Authentication::Digest,
    ] {
        let url = "http://us%22er:pass%5C%22word@127.0.0.1:1".parse().unwrap();
        let proxy = Upstream::new(url).with_authentication(form);
        if !proxy.asks_again(false, values.split(|&octet| octet == b'\n')) {
            continue;
        }
        let granted = RUNTIME.block_on(proxy.authorize_plain(true));
        let header = granted
            .header("GET", "http://example.com/")
            .expect("it was asked for");
        assert!(
            header.bytes().all(|octet| matches!(octet, b' '..=b'~')),
            "{header:?}"
        );
        let by_digest = header.starts_with("Digest username=\"us\\\"er\", realm=\"");
        let by_basic = header == "Basic dXMiZXI6cGFzc1wid29yZA==";
        match form {
            Authentication::Basic => assert!(by_basic, "{header}"),
            Authentication::Digest => assert!(by_digest, "{header}"),
            _ => assert!(by_basic || by_digest, "{header}"),
        }
    }
});
