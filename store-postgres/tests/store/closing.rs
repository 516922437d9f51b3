//! What a process tells others before it ends.

use crate::common::{entry, outbox, server::shared, within_guard};
use ssf_transmitter::outbox::Outbox;
use tokio::sync::mpsc::unbounded_channel;
use tokio_postgres::{AsyncMessage, NoTls};

#[tokio::test]
async fn the_last_hint_goes_out_before_the_end() {
    let builder = outbox(&shared().url()).await.schema("closing");
    builder.migrate().await.unwrap();
    let (client, mut connection) = tokio_postgres::connect(&shared().url(), NoTls).await.unwrap();
    let (told, mut heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(hint) = message {
                told.send(hint.payload().to_owned()).ok();
            }
        }
    });
    client.batch_execute("LISTEN closing").await.unwrap();
    let outbox = Outbox::new(builder.connect().await.unwrap());
    outbox.enqueue(entry("acme", "ada")).await.unwrap();
    assert_eq!(within_guard(heard.recv()).await.unwrap(), "");
    // A pause follows each hint. The process ends in it.
    outbox.enqueue(entry("acme", "bob")).await.unwrap();
    outbox.close().await.unwrap();
    client.batch_execute("NOTIFY closing, 'end'").await.unwrap();
    assert_eq!(within_guard(heard.recv()).await.unwrap(), "");
    assert_eq!(within_guard(heard.recv()).await.unwrap(), "end");
    // Closing twice is harmless.
    outbox.close().await.unwrap();
}
