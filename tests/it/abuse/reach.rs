//! Where clients on other machines are not led.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use narrows_endpoint::{Hop, Step};
use narrows_tests::program;
use narrows_tests::proxy::{Setup, connect_head};
use narrows_tests::raw::Peer;

/// An address of this machine that is not loopback. Nothing is sent: connecting a datagram socket only asks
/// the system which address it would send from.
fn own_address() -> Option<IpAddr> {
    ["192.0.2.1:9", "[2001:db8::1]:9"]
        .into_iter()
        .find_map(|somewhere| {
            let any = match somewhere.starts_with('[') {
                true => "[::]:0",
                false => "0.0.0.0:0",
            };
            let socket = UdpSocket::bind(any).ok()?;
            socket.connect(somewhere).ok()?;
            Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
        })
}

/// The client's address is all that the proxy can tell another machine by.
#[test]
fn row_11_a_client_elsewhere_does_not_get_to_loopback() {
    let Some(own) = own_address() else {
        return program::unable("this machine has loopback addresses only");
    };
    let inner = Peer::start(|mut client| {
        client.send("inner");
        client.finish();
    });
    let proxy = Setup::new()
        .flag("listen", SocketAddr::new(own, 0).to_string())
        .flag("allow-clients", own.to_string())
        .start();
    assert_eq!(proxy.address.ip(), own);
    let port = inner.address.port();
    for (at, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let (head, body) = proxy.ask(connect_head(&format!("{host}:{port}")));
        assert_eq!(head.status(), 403, "{}", head.as_str());
        let status = head.field("Proxy-Status").expect("it says why");
        assert!(status.contains("destination_ip_prohibited"), "{status}");
        assert!(
            body.contains("loopback") && body.contains("clients.reach"),
            "{body}"
        );
        let told = proxy.finished(at + 1);
        let refused = told[at].refused();
        assert_eq!((refused.hop, refused.step), (Hop::Narrows, Step::Decide));
        assert!(refused.reason.contains("loopback"), "{refused:?}");
    }
    proxy.stop();
}
