//! What crosses by value, as all languages have it.

type Text = String;

ssf_bindings::output_records!(
    #[derive(uniffi::Record)]
    text = Text,
    count = u64,
    unit = Seconds,
    language = Swift
);
ssf_bindings::input_records!(#[derive(uniffi::Record)]);
ssf_bindings::error_parts!(#[derive(uniffi::Record)] pub);
