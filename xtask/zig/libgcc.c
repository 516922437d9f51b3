// A library with the names of libgcc_s.so.1, and nothing behind them: what is linked with it takes libgcc's own at run
// time (xtask/src/zig.rs). These are all names of its unwinder. Where one is missing here, zig's is linked, and the two
// crash together. libgcc.map has the versions.

#define NAMED(name) \
    void name(void) {}

NAMED(_Unwind_Backtrace)
NAMED(_Unwind_DeleteException)
NAMED(_Unwind_FindEnclosingFunction)
NAMED(_Unwind_Find_FDE)
NAMED(_Unwind_ForcedUnwind)
NAMED(_Unwind_GetCFA)
NAMED(_Unwind_GetDataRelBase)
NAMED(_Unwind_GetGR)
NAMED(_Unwind_GetIP)
NAMED(_Unwind_GetIPInfo)
NAMED(_Unwind_GetLanguageSpecificData)
NAMED(_Unwind_GetRegionStart)
NAMED(_Unwind_GetTextRelBase)
NAMED(_Unwind_RaiseException)
NAMED(_Unwind_Resume)
NAMED(_Unwind_Resume_or_Rethrow)
NAMED(_Unwind_SetGR)
NAMED(_Unwind_SetIP)
NAMED(__deregister_frame)
NAMED(__deregister_frame_info)
NAMED(__register_frame)
NAMED(__register_frame_info)
