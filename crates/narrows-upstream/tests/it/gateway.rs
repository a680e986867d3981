//! Through a gateway, against doubles that speak TLS on loopback.

mod double;
mod faults;
mod h1;
mod h2;
mod path;
