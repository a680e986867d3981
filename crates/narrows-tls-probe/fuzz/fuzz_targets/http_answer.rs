//! Any octets as an HTTP answer: no panic, what is kept of it is bounded text, and what was read of a part of
//! it stays what it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narrows_tls_probe::HttpAnswer;

// The first octet says how much of the answer comes first.
fuzz_target!(|input: &[u8]| {
    let Some((&split, answer)) = input.split_first() else {
        return;
    };
    let whole = HttpAnswer::read(answer);
    if let Ok(Some(whole)) = &whole {
        let headers = whole.headers.iter().flat_map(|(name, value)| [name, value]);
        for text in headers.chain([&whole.reason, &whole.excerpt]) {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        // 200 characters, and an ellipsis for the rest.
        assert!(whole.headers.len() <= 32 && whole.excerpt.chars().count() <= 201);
    }
    match HttpAnswer::read(&answer[..answer.len() * usize::from(split) / 256]) {
        Ok(None) => {}
        Ok(Some(part)) => {
            let whole = whole.unwrap().unwrap();
            assert_eq!((part.status, part.headers), (whole.status, whole.headers));
        }
        Err(_) => assert!(whole.is_err()),
    }
});
