//! Which side is the first to end.

use std::pin::pin;
use std::sync::Arc;

use narrows_tunnel::{End, Leg, RelayOptions, Side, relay};
use tokio::io::duplex;
use tokio::task::yield_now;

use crate::idle::Memory;

/// Who was the first to end, by a relay whose sides go away in these steps.
async fn first(steps: &[&[Side]]) -> Option<Side> {
    let ((client, client_io), (far, far_io)) = (duplex(64), duplex(64));
    let (mut client, mut far) = (Some(client), Some(far));
    let legs = [client_io, far_io].map(|io| Leg::from(Memory(io)));
    let [client_leg, far_leg] = legs;
    let options = RelayOptions::default();
    let mut relay = pin!(relay(client_leg, far_leg, Arc::default(), &options));
    for step in steps {
        for side in *step {
            match side {
                Side::Client => drop(client.take()),
                Side::Far => drop(far.take()),
            }
        }
        tokio::select! {
            biased;
            end = &mut relay => {
                assert_eq!(end, End::Closed);
                return relay.first_to_end();
            }
            () = yield_now() => {}
        }
    }
    panic!("it goes on");
}

#[tokio::test]
async fn the_first_to_end_is_told() {
    use Side::{Client, Far};
    for (steps, expected) in [
        (&[&[][..], &[Client], &[Far]][..], Some(Client)),
        (&[&[], &[Far], &[Client]], Some(Far)),
        (&[&[], &[Client, Far]], None),
    ] {
        assert_eq!(first(steps).await, expected, "{steps:?}");
    }
}
