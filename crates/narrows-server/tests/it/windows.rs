//! Flow-control windows of HTTP/2 connections: they grow with the path and give way to more tunnels.

use narrows_upstream::window::FIRST;
use tokio::net::TcpListener;
use tokio::time::{Duration, advance, pause, resume};

use crate::frames::{ACK, DATA, Frame, Frames, PING, SETTINGS, connect, frame, pairs};
use crate::house::House;

const INITIAL_WINDOW_SIZE: u16 = 4;
/// How many tunnels may have windows four times as large as the first ones.
const FOURFOLD: u32 = 32;

/// A target that swallows what it gets.
async fn swallower() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut io, _)) = listener.accept().await {
            tokio::spawn(async move { tokio::io::copy(&mut io, &mut tokio::io::sink()).await });
        }
    });
    address
}

/// Waits for the next settings, and acknowledges them; they must be this window.
async fn resized(client: &mut Frames, window: u32) {
    let is_settings = |frame: &Frame| frame.kind == SETTINGS && frame.flags != ACK;
    let settings = client.until(is_settings).await.unwrap();
    let expected = pairs(&[(INITIAL_WINDOW_SIZE, window)]);
    assert_eq!(settings.payload, expected);
    client.send(&frame(SETTINGS, ACK, 0, &[])).await;
}

#[tokio::test]
async fn windows_grow_with_the_path_and_give_way_to_more_tunnels() {
    let (house, target) = (House::start().await, swallower().await);
    let (io, _serving) = house.h2().await;
    let mut client = Frames::start(io).await;
    let asked = client.until(|frame| frame.kind == PING && frame.flags != ACK);
    let ping = asked.await.unwrap();
    // The answer takes so long that whatever is sent comes sooner.
    pause();
    advance(Duration::from_secs(60)).await;
    resume();
    client.send(&frame(PING, ACK, 0, &ping.payload)).await;

    client.open(1, &target).await;
    let quarter = frame(DATA, 0, 1, &[0; 16_384]).repeat(FIRST as usize / 4 / 16_384);
    client.send(&quarter).await;
    resized(&mut client, 4 * FIRST).await;

    for stream in (3..).step_by(2).take(FOURFOLD as usize - 1) {
        client.open(stream, &target).await;
    }
    client.send(&connect(1001, &target)).await;
    resized(&mut client, 2 * FIRST).await;
}
