use proptest::prelude::*;

use super::*;

fn request(target: &str) -> Vec<u8> {
    let mut request = BytesMut::new();
    encode_connect(&target.parse().unwrap(), &mut request);
    request.to_vec()
}

#[test]
fn names_go_as_names_and_addresses_as_addresses() {
    assert_eq!(
        request("a.example:443"),
        b"\x05\x01\x00\x03\x09a.example\x01\xbb"
    );
    assert_eq!(
        request("192.0.2.1:80"),
        b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"
    );
    let v6 = request("[2001:db8::1]:443");
    assert_eq!(v6[..6], *b"\x05\x01\x00\x04\x20\x01");
    assert_eq!(v6.len(), 4 + 16 + 2);
}

#[test]
fn logins_fit_or_are_refused() {
    let long = "x".repeat(256);
    let login =
        |user: &str, password: &str| super::login(&Credentials::new(user, password).unwrap());
    assert_eq!(login("svc", "p@:s").unwrap(), b"\x01\x03svc\x04p@:s");
    for (user, password) in [(&*long, "p"), ("u", &*long), ("", "p"), ("u", "")] {
        assert_eq!(login(user, password), Err(LoginLength));
    }
}

#[test]
fn methods_and_logins() {
    assert_eq!(parse_method(b""), Ok(None));
    assert_eq!(parse_method(b"\x05"), Ok(None));
    assert_eq!(parse_method(b"\x05\x00"), Ok(Some(Method::None)));
    assert_eq!(parse_method(b"\x05\x02x"), Ok(Some(Method::Login)));
    assert_eq!(parse_method(b"\x05\xff"), Ok(Some(Method::Unacceptable)));
    assert_eq!(
        parse_method(b"H").unwrap_err(),
        NotSocks { at: 0, octet: b'H' }
    );
    assert_eq!(parse_method(b"\x05\x01").unwrap_err().at, 1);
    assert_eq!(parse_login(b"\x01"), Ok(None));
    assert_eq!(parse_login(b"\x01\x00"), Ok(Some(true)));
    assert_eq!(parse_login(b"\x05\x01"), Ok(Some(false)));
    assert!(parse_login(b"\x00\x00").is_err());
}

#[test]
fn every_code_has_its_meaning() {
    let mut seen = std::collections::HashSet::new();
    for code in 1..=255 {
        // Whole, with an address of no kind, and cut behind the code: they say the same.
        let whole = [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
        let empty = [5, code, 0, 0, 0, 0, 0, 0, 0, 0];
        let reply = parse_reply(&whole).unwrap().unwrap();
        assert_eq!(parse_reply(&empty), Ok(Some(reply)));
        assert_eq!(parse_reply(&whole[..2]), Ok(Some(reply)));
        let refused = reply.0.unwrap_err();
        assert!(refused.to_string().contains(&code.to_string()), "{refused}");
        assert!(seen.insert(refused));
    }
}

#[test]
fn what_follows_a_reply_is_the_targets() {
    for reply in [
        b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 ready".as_slice(),
        b"\x05\x00\x00\x03\x01a\x00\x00220 ready",
        b"\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00220 ready",
    ] {
        let (outcome, length) = parse_reply(reply).unwrap().unwrap();
        assert_eq!(outcome, Ok(()));
        assert_eq!(&reply[length..], b"220 ready");
    }
    assert!(parse_reply(b"HTTP/1.1 400 Bad Request").is_err());
    assert_eq!(parse_reply(b"\x05\x00\x00\x02").unwrap_err().at, 3);
}

proptest! {
    /// The answer does not depend on how it was split, and is final once it is there.
    #[test]
    fn replies_come_in_any_pieces(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let whole = parse_reply(&bytes);
        for end in 0..bytes.len() {
            match parse_reply(&bytes[..end]) {
                Ok(None) => {}
                earlier => prop_assert_eq!(earlier, whole),
            }
        }
        if let Ok(Some((_, length))) = whole {
            prop_assert!(length <= bytes.len());
        }
    }
}
