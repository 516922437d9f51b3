//! What crosses by value, as all languages have it.

use napi_derive::napi;

/// Text that the library contains is not copied.
type Text = &'static str;

ssf_bindings::output_records!(
    #[napi(object, object_from_js = false)]
    text = Text,
    count = f64,
    unit = Milliseconds,
    language = Node
);
ssf_bindings::input_records!(#[napi(object, object_to_js = false)]);
ssf_bindings::error_parts!(#[napi(object, object_to_js = false)] pub);
