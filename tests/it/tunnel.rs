//! The tunnel on real sockets: what goes in comes out, ends as it was ended, and is counted.

use narrows_endpoint::Hop;
use narrows_log::Via;
use narrows_tests::pattern;
use narrows_tests::proxy::{Proxy, Setup, connect_head};
use narrows_tests::raw::{End, Once};
use narrows_tests::traffic::Done;

const OPENED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn eof(text: &str) -> End {
    End::Eof(text.as_bytes().to_vec())
}

/// The counts of the one tunnel there was, which ended cleanly.
fn counts(proxy: &Proxy) -> (u64, u64) {
    let told = proxy.only();
    assert_eq!(told.ended, None);
    let Done { sent, received, .. } = told.done();
    (sent, received)
}

#[test]
fn client_half_closes_and_still_gets_its_answer() {
    let target = Once::start(|mut client| {
        let question = client.end();
        client.send("answer");
        question
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    client.send("question?");
    client.finish();
    assert_eq!(client.end(), eof("answer"));
    assert_eq!(target.join(), eof("question?"));
    assert_eq!(counts(&proxy), (9, 6));
    proxy.stop();
}

#[test]
fn target_half_closes_and_still_hears_the_client() {
    let target = Once::start(|mut client| {
        client.send("bye");
        client.finish();
        client.end()
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    assert_eq!(client.end(), eof("bye"));
    client.send("wait, one more thing");
    client.finish();
    assert_eq!(target.join(), eof("wait, one more thing"));
    assert_eq!(counts(&proxy), (20, 3));
    proxy.stop();
}

#[test]
fn early_data_reaches_the_target_once_and_in_order() {
    let target = Once::start(|mut client| client.end());
    let proxy = Proxy::direct();
    let mut client = proxy.connect();
    client.send(connect_head(&target.address.to_string()) + "early ");
    assert_eq!(client.head().status(), 200);
    client.send("and late");
    client.finish();
    assert_eq!(target.join(), eof("early and late"));
    assert_eq!(client.end(), eof(""));
    assert_eq!(counts(&proxy), (14, 0));
    proxy.stop();
}

#[test]
fn early_data_both_ways_through_a_proxy() {
    let parent = Once::start(|mut client| {
        client.head();
        client.send(format!("{OPENED}hello from "));
        let heard = client.exactly(5);
        client.send("the far end");
        (heard, client.end())
    });
    let proxy = Proxy::through(parent.proxy_url());
    let mut client = proxy.connect();
    client.send(connect_head("far.test:443") + "early");
    assert_eq!(client.head().status(), 200);
    assert_eq!(client.exactly(22), b"hello from the far end");
    client.finish();
    assert_eq!(client.end(), eof(""));
    assert_eq!(parent.join(), (b"early".to_vec(), eof("")));
    let told = proxy.only();
    let expected = Done {
        via: Via::Proxy,
        sent: 5,
        received: 22,
    };
    assert_eq!((told.done(), told.ended), (expected, None));
    proxy.stop();
}

#[test]
fn server_that_speaks_first_is_heard() {
    let target = Once::start(|mut client| {
        client.send("220 mail.test ready\r\n");
        client.end()
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    assert_eq!(client.exactly(21), b"220 mail.test ready\r\n");
    client.finish();
    assert_eq!(client.end(), eof(""));
    target.join();
    assert_eq!(counts(&proxy), (0, 21));
    proxy.stop();
}

#[test]
fn reset_by_the_client_reaches_the_target() {
    let target = Once::start(|mut client| {
        assert_eq!(client.exactly(9), b"half a th");
        client.send("go on");
        client.end()
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    client.send("half a th");
    assert_eq!(client.exactly(5), b"go on");
    client.reset();
    assert_eq!(target.join(), End::Reset(vec![]));
    let told = proxy.only();
    assert_eq!(told.ended.as_ref().map(|(by, _)| *by), Some(Hop::Client));
    assert_eq!((told.done().sent, told.done().received), (9, 5));
    proxy.stop();
}

#[test]
fn reset_by_the_target_reaches_the_client() {
    let target = Once::start(|mut client| {
        assert_eq!(client.exactly(8), b"question");
        client.send("no");
        client.exactly(3);
        client.reset();
    });
    let proxy = Proxy::direct();
    let mut client = proxy.tunnel(&target.address.to_string());
    client.send("question");
    assert_eq!(client.exactly(2), b"no");
    client.send("why");
    assert_eq!(client.end(), End::Reset(vec![]));
    target.join();
    let told = proxy.only();
    assert_eq!(told.ended.as_ref().map(|(by, _)| *by), Some(Hop::Target));
    assert_eq!((told.done().sent, told.done().received), (11, 2));
    proxy.stop();
}

#[test]
fn megabytes_both_ways_at_once_are_whole_and_counted() {
    const LENGTH: u64 = 8_000_000;
    let echo = Once::start(|client| {
        let mut reader = client.into_inner();
        let mut writer = reader.try_clone().unwrap();
        std::io::copy(&mut reader, &mut writer).unwrap();
    });
    let proxy = Proxy::direct();
    let client = proxy.tunnel(&echo.address.to_string()).into_inner();
    let mut writer = client.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        std::io::copy(&mut pattern::bytes(LENGTH).as_slice(), &mut writer).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    std::io::Read::read_to_end(&mut &client, &mut back).unwrap();
    sender.join().unwrap();
    echo.join();
    assert!(
        back == pattern::bytes(LENGTH),
        "{} octets came back",
        back.len()
    );
    drop(client);
    assert_eq!(counts(&proxy), (LENGTH, LENGTH));
    proxy.stop();
}

#[test]
fn idle_tunnel_is_ended_and_blamed_on_nobody_else() {
    let target = Once::start(|mut client| client.end());
    let proxy = Setup::new()
        .config("[limits]\nidle_seconds = 0.3\n")
        .start();
    let mut client = proxy.tunnel(&target.address.to_string());
    client.send("hm");
    client.end();
    target.join();
    let told = proxy.only();
    assert!(told.ended.is_some(), "{told:?}");
    assert_eq!((told.done().sent, told.done().received), (2, 0));
    proxy.stop();
}
