//! Real programs through `narrows-proxy`: straight to an origin on loopback, through a real Squid with and
//! without a password, and through `narrows-gateway` by HTTP/1.1 and HTTP/2. The tunnel log and Squid's
//! access.log, or the gateway's, must tell the same story. `scripts/clients.sh` makes a table of these tests.

mod bed;
mod chromium;
mod curl;
mod git;
mod go;
mod java;
mod node;
mod openssl;
mod packages;
mod python;
mod websocket;
mod wget;

/// Makes a test of each function for each way.
/// The function gets a [`bed::Bed`]; the programs it drives stand behind its name.
macro_rules! each_way {
    ($($name:ident: $programs:expr;)*) => {
        $(
            mod $name {
                use crate::clients::bed::{self, Way};

                #[test]
                fn direct() {
                    bed::run(Way::Direct, &$programs, super::$name);
                }

                #[test]
                fn through_squid() {
                    bed::run(Way::Squid, &$programs, super::$name);
                }

                #[test]
                fn through_squid_with_basic() {
                    bed::run(Way::SquidWithBasic, &$programs, super::$name);
                }

                #[test]
                fn through_gateway_h1() {
                    bed::run(Way::GatewayH1, &$programs, super::$name);
                }

                #[test]
                fn through_gateway_h2() {
                    bed::run(Way::GatewayH2, &$programs, super::$name);
                }
            }
        )*
    };
}
use each_way;
