//! [`Settings`]: what a server allows and how long it waits.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use narrows_connect::Limits;
use narrows_tunnel::RelayOptions;

/// What a server allows and how long it waits; every field has a default that is safe on loopback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Client addresses that are served besides loopback. Empty: loopback only.
    pub clients: Vec<IpNet>,
    /// How long live tunnels may go on after shutdown was asked for.
    pub drain: Duration,
    /// The largest request head.
    pub head: Limits,
    /// How long a client may take for a request head, and a kept-alive connection may wait for the
    /// next one.
    pub head_time: Duration,
    /// The name under which this server signs its refusals (`Proxy-Status`, RFC 9209 §2) and the
    /// requests that it forwards (`Via`, RFC 9110 §7.6.3). A token; anything else is not sent.
    pub name: String,
    /// How tunnels are relayed.
    pub relay: RelayOptions,
    /// Connections that are served at a time, all clients together. More are answered with 503.
    pub tunnels: usize,
    /// Connections that are served at a time for one client address. `None`: no limit but the total.
    pub tunnels_per_client: Option<usize>,
    /// How long the server goes on as before after shutdown was asked for, while it says that it is not
    /// ready: as long as a balancer in front of it takes to notice. Zero where there is none.
    pub unready: Duration,
}

impl Settings {
    /// Whether a client address may use the server at all.
    pub fn serves(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        client.is_loopback() || self.clients.iter().any(|range| range.contains(&client))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            drain: Duration::from_secs(30),
            head: Limits::default(),
            head_time: Duration::from_secs(10),
            name: "narrows".to_owned(),
            relay: RelayOptions::default(),
            tunnels: 8192,
            tunnels_per_client: None,
            unready: Duration::ZERO,
        }
    }
}
