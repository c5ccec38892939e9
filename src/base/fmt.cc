// The compiled part of fmt 9, made from its headers: what the library's own source file would instantiate.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template FMT_API dragonbox::decimal_fp<float> dragonbox::to_decimal(float x) noexcept;
template FMT_API dragonbox::decimal_fp<double> dragonbox::to_decimal(double x) noexcept;
template FMT_API locale_ref::locale_ref(const std::locale& loc);
template FMT_API std::locale locale_ref::get<std::locale>() const;
template FMT_API thousands_sep_result<char> thousands_sep_impl(locale_ref loc);
template FMT_API char decimal_point_impl(locale_ref loc);
template FMT_API void buffer<char>::append(const char* begin, const char* end);
template FMT_API void vformat_to(buffer<char>& out, basic_string_view<char> text,
                                 basic_format_args<buffer_context<char>> arguments, locale_ref loc);

}  // namespace detail
FMT_END_NAMESPACE
