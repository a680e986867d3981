use tokio::io::{AsyncWriteExt as _, duplex};
use tokio::time::{Instant, sleep};

use super::*;
use crate::Facts;

/// Knows nothing, and is not asked.
struct Nobody;

impl Subject for Nobody {
    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn explain(&self, _: &str) -> Result<serde_json::Value, String> {
        Err("nobody knows".to_owned())
    }
}

/// However busy it is, and also if nothing is ever read of the answers.
#[tokio::test(start_paused = true)]
async fn a_connection_gives_its_place_back_after_a_minute() {
    for room in [64, 1 << 20] {
        let Admin(state) = Admin::new(Nobody, Arc::default());
        let (mut ours, theirs) = duplex(room);
        let asking = async {
            loop {
                let asked = ours.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
                asked.await.unwrap();
                sleep(SILENT / 3).await;
            }
        };
        let since = Instant::now();
        tokio::select! {
            () = connection(state, Box::new(theirs)) => {}
            () = asking => {}
        }
        let lasted = since.elapsed();
        assert!(
            (LASTS..LASTS + SILENT).contains(&lasted),
            "{room}: {lasted:?}"
        );
    }
}
