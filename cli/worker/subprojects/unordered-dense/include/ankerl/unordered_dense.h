// The part of ankerl::unordered_dense that the mediasoup worker uses, on the standard containers: map, set and hash.
// The standard ones promise all that these promise about references and iterators, and more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace ankerl::unordered_dense
{
	// The standard hash of a number is the number itself in GCC's library. The worker combines hashes of addresses and ports,
	// which a far side chooses, so numbers are spread over all bits here, as the real unordered_dense does.
	template<typename T, typename = void>
	struct hash : std::hash<T>
	{
	};

	template<typename T>
	struct hash<T, std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
	{
		std::size_t operator()(T value) const noexcept
		{
			// MurmurHash3's 64 bit finalizer: each bit of the input changes each bit of the result with probability 1/2.
			auto bits = static_cast<std::uint64_t>(value);
			bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccdULL;
			bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53ULL;
			return static_cast<std::size_t>(bits ^ (bits >> 33));
		}
	};

	template<typename Key, typename Value, typename Hash = hash<Key>, typename Equal = std::equal_to<Key>>
	using map = std::unordered_map<Key, Value, Hash, Equal>;

	template<typename Key, typename Hash = hash<Key>, typename Equal = std::equal_to<Key>>
	using set = std::unordered_set<Key, Hash, Equal>;
} // namespace ankerl::unordered_dense
