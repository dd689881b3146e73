// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mw::text {

// Words `name=code[,code]`, code points in hexadecimal, each followed by a blank.

/// HTML's named character references, without `&`; some also without `;`, as HTML has them.
extern const char* const kHtmlEntities;
/// The same in capitals, where nothing else is called so.
extern const char* const kCapitalEntities;
/// Ligatures and half- and full-width characters (as four digits) in their plain form.
extern const char* const kPlainForms;

}  // namespace mw::text
