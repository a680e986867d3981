//! Real programs through `narrows-proxy`: straight to an origin on loopback, and through a real
//! Squid with and without a password. The tunnel log and Squid's access.log must tell the same story.

mod bed;
mod curl;
mod git;
mod node;
mod packages;
mod python;
mod websocket;

/// Makes three tests of each function: `direct`, `through_squid` and `through_squid_with_basic`.
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
            }
        )*
    };
}
use each_way;
