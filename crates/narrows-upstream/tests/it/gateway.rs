//! Through a gateway, against doubles that speak TLS on loopback.

mod ahead;
mod double;
mod faults;
mod h1;
mod h2;
mod path;
mod proxies;
