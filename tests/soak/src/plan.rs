//! What happens in each request, which its number alone determines: client and origin look it up, and say
//! nothing of it to each other.

use std::fmt;
use std::net::Ipv4Addr;

use crate::dice::Dice;

/// The ways through the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    Direct,
    Enterprise,
    GatewayH1,
    GatewayH2,
}

/// A request's number. It is the address of its target too, so that every log names it: `127.x.y.z`, with
/// the route in the two highest bits of 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(u32);

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// By turns, so often: so many octets up, so many down.
    Turns { rounds: u64, up: u64, down: u64 },
    /// As [`Plan::Turns`], of frames, after the upgrade of a WebSocket.
    Frames { rounds: u64, size: u64 },
    /// Both ways at once.
    Bulk { up: u64, down: u64 },
    /// As [`Plan::Turns`] once, with a client that pauses after each piece that it reads.
    SlowReader { down: u64 },
    /// A request and an answer of plain HTTP, with bodies of such lengths.
    Plain { up: u64, down: u64 },
    /// One side says all, ends its direction, and is then told all by the other.
    HalfClose {
        client_first: bool,
        up: u64,
        down: u64,
    },
    /// One side resets the connection, so many octets into each direction of bulk.
    Abort { by_client: bool, up: u64, down: u64 },
    /// Little happens for so many milliseconds.
    Idle { millis: u64 },
    /// A rule of narrows-proxy denies it.
    Denied,
    /// Nobody listens there.
    Closed,
    /// No feature of the gateway carries it.
    NotCarried,
}

/// What the numbers are read by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Book {
    pub(crate) seed: u64,
    /// Whether the enterprise proxy passes half-closes on; Squid closes both directions instead.
    pub(crate) half_closes: bool,
}

// === impl Route ===

impl Route {
    pub(crate) const ALL: [Self; 4] = [
        Self::Direct,
        Self::Enterprise,
        Self::GatewayH1,
        Self::GatewayH2,
    ];

    pub(crate) const fn by_gateway(self) -> bool {
        matches!(self, Self::GatewayH1 | Self::GatewayH2)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Enterprise => "enterprise proxy",
            Self::GatewayH1 => "gateway h1",
            Self::GatewayH2 => "gateway h2",
        })
    }
}

// === impl Id ===

impl Id {
    /// The first numbers of a route are addresses that others use too, such as 127.0.0.1.
    const FIRST: u32 = 1024;
    const SERIALS: u32 = (1 << 22) - 2 * Self::FIRST;

    /// The number of a route's `serial`-th request. Serials come back after four million.
    pub(crate) fn new(route: Route, serial: u64) -> Self {
        let serial = u32::try_from(serial % u64::from(Self::SERIALS)).unwrap_or_default();
        Self((route as u32) << 22 | (Self::FIRST + serial))
    }

    /// The number that this address stands for.
    pub(crate) fn of(address: Ipv4Addr) -> Self {
        Self(address.to_bits() & 0x00ff_ffff)
    }

    pub(crate) const fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(0x7f00_0000 | self.0)
    }

    pub(crate) const fn route(self) -> Route {
        Route::ALL[(self.0 >> 22) as usize & 3]
    }

    /// Names what it sends upwards, or downwards.
    pub(crate) fn content(self, down: bool) -> u64 {
        u64::from(self.0) << 1 | u64::from(down)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}

// === impl Book ===

impl Book {
    /// What this request does.
    pub(crate) fn plan(self, id: Id) -> Plan {
        let mut dice = Dice::new(self.seed ^ u64::from(id.0) << 32);
        let squid = !self.half_closes && id.route() == Route::Enterprise;
        match dice.between(0, 999) {
            0..180 => Plan::Plain {
                up: dice.doublings(16, 65_536),
                down: dice.doublings(16, 65_536),
            },
            180..200 => Plan::Turns {
                rounds: 1,
                up: 64,
                down: dice.doublings(MIB, 32 * MIB),
            },
            200..220 => Plan::Turns {
                rounds: 1,
                up: dice.doublings(MIB, 32 * MIB),
                down: 64,
            },
            220..230 => Plan::Bulk {
                up: dice.doublings(MIB, 16 * MIB),
                down: dice.doublings(MIB, 16 * MIB),
            },
            230..280 => Plan::Frames {
                rounds: dice.between(2, 30),
                size: dice.between(1, 4000),
            },
            280..360 if !squid => Plan::HalfClose {
                client_first: dice.between(0, 1) == 0,
                up: dice.doublings(16, MIB),
                down: dice.doublings(16, MIB),
            },
            360..430 => Plan::Abort {
                by_client: dice.between(0, 1) == 0,
                up: dice.doublings(16, MIB),
                down: dice.doublings(16, MIB),
            },
            430..435 => Plan::SlowReader { down: MIB },
            435..455 => Plan::Denied,
            455..480 => Plan::Closed,
            480..490 if id.route().by_gateway() => Plan::NotCarried,
            _ => Plan::Turns {
                rounds: 1,
                up: dice.doublings(64, 2048),
                down: dice.doublings(128, 16_384),
            },
        }
    }

    /// What this request does if it is one of the idle ones.
    pub(crate) const fn idle(self, id: Id) -> Plan {
        let mut dice = Dice::new(self.seed ^ (id.0 as u64) << 32);
        Plan::Idle {
            millis: dice.between(1_000, 20_000),
        }
    }
}

// === impl Plan ===

impl Plan {
    /// Whether its origin is reached.
    pub(crate) const fn arrives(self) -> bool {
        !matches!(self, Self::Denied | Self::Closed | Self::NotCarried)
    }

    /// Whether the gateway, if there is one on the way, is asked.
    pub(crate) const fn asks_gateway(self) -> bool {
        !matches!(self, Self::Denied)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Turns { up, down, .. } if up + down < MIB => "short",
            Self::Turns { .. } | Self::Bulk { .. } => "bulk",
            Self::Frames { .. } => "websocket",
            Self::SlowReader { .. } => "slow reader",
            Self::Plain { .. } => "plain HTTP",
            Self::HalfClose { .. } => "half-closed",
            Self::Abort { .. } => "aborted",
            Self::Idle { .. } => "idle",
            Self::Denied | Self::Closed | Self::NotCarried => "refused",
        })
    }
}

const MIB: u64 = 1 << 20;

#[cfg(test)]
mod tests;
