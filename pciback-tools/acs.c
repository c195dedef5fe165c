/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acs.h"

enum {
    SV = 0x01,
    RR = 0x04,
    CR = 0x08,
    UF = 0x10,
    REQUIRED = SV | RR | CR | UF,
};

/* What a row of the table says of a function that it matches. */
enum verdict {
    ISOLATED,
    NOT_ISOLATED,
    IF_AMD_SOUTHBRIDGE, /* isolated on the root bus of an AMD IOMMU */
    IF_PCH_WORKAROUND,
    CTRL_AT_8,
    BY_CAPABILITY, /* no row matches */
};

#define TYPE(x) (1U << XPCI_PCIE_##x)
#define ROOT_PORT TYPE(ROOT_PORT)
#define PORT (TYPE(ROOT_PORT) | TYPE(DOWNSTREAM))
#define ANY 0

/* The first row that matches decides. */
static const struct quirk {
    uint16_t vendor, first, last, step;
    uint16_t types; /* PCIe types, ANY: also conventional PCI */
    enum verdict verdict;
} quirks[] = {
    /* pci_quirk_amd_sb_acs: AMD's word (linux-iommu, 2012-07-11) */
    { 0x1002, 0x4383, 0x4385, 1, ANY, IF_AMD_SOUTHBRIDGE },
    { 0x1002, 0x4399, 0x4399, 1, ANY, IF_AMD_SOUTHBRIDGE },
    { 0x1002, 0x439c, 0x439d, 1, ANY, IF_AMD_SOUTHBRIDGE },
    { 0x1022, 0x7809, 0x7809, 1, ANY, IF_AMD_SOUTHBRIDGE },
    { 0x1022, 0x780f, 0x780f, 1, ANY, IF_AMD_SOUTHBRIDGE },
    /* pci_quirk_mf_endpoint_acs: Solarflare SFC9120, SFC9140 */
    { 0x1924, 0x0903, 0x0923, 0x20, ANY, ISOLATED },
    { 0x1924, 0x0a03, 0x0a03, 1, ANY, ISOLATED },
    /* the same: Intel 82598, 82599, X520, X540 */
    { 0x8086, 0x10c6, 0x10c6, 1, ANY, ISOLATED },
    { 0x8086, 0x10db, 0x10dd, 2, ANY, ISOLATED },
    { 0x8086, 0x10e1, 0x10f1, 0x10, ANY, ISOLATED },
    { 0x8086, 0x10f7, 0x10fc, 1, ANY, ISOLATED },
    { 0x8086, 0x1507, 0x1507, 1, ANY, ISOLATED },
    { 0x8086, 0x1514, 0x151c, 8, ANY, ISOLATED },
    { 0x8086, 0x1529, 0x152a, 1, ANY, ISOLATED },
    { 0x8086, 0x154d, 0x1551, 2, ANY, ISOLATED },
    { 0x8086, 0x1558, 0x1558, 1, ANY, ISOLATED },
    /* the same: Intel 82580 */
    { 0x8086, 0x1509, 0x1509, 1, ANY, ISOLATED },
    { 0x8086, 0x150e, 0x1511, 1, ANY, ISOLATED },
    { 0x8086, 0x1516, 0x1527, 0x11, ANY, ISOLATED },
    /* the same: Intel 82576 */
    { 0x8086, 0x10c9, 0x10c9, 1, ANY, ISOLATED },
    { 0x8086, 0x10e6, 0x10e8, 1, ANY, ISOLATED },
    { 0x8086, 0x150a, 0x150d, 3, ANY, ISOLATED },
    { 0x8086, 0x1518, 0x1526, 0xe, ANY, ISOLATED },
    /* the same: Intel 82575, I350, 82571, I219 */
    { 0x8086, 0x10a7, 0x10a9, 2, ANY, ISOLATED },
    { 0x8086, 0x10d6, 0x10d9, 3, ANY, ISOLATED },
    { 0x8086, 0x1521, 0x1524, 1, ANY, ISOLATED },
    { 0x8086, 0x105e, 0x1060, 1, ANY, ISOLATED },
    { 0x8086, 0x15b7, 0x15b8, 1, ANY, ISOLATED },
    /* pci_quirk_rciep_acs: VT-d r3.1, 3.16 */
    { 0x8086, 0x0000, 0xffff, 1, TYPE(RC_ENDPOINT), ISOLATED },
    /* pci_quirk_qcom_rp_acs: QDF2xxx, SA8775P, Hamoa, Glymur; HXT SD4800 */
    { 0x17cb, 0x0400, 0x0401, 1, ANY, ISOLATED },
    { 0x17cb, 0x0115, 0x0115, 1, ANY, ISOLATED },
    { 0x17cb, 0x0111, 0x0120, 0xf, ANY, ISOLATED },
    { 0x1dbf, 0x0401, 0x0401, 1, ANY, ISOLATED },
    /* pci_quirk_intel_pch_acs: Red Hat bug 1037684; 5 to 9 series, X79, X99 */
    { 0x8086, 0x3b42, 0x3b51, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x1c10, 0x1c1f, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x1e10, 0x1e1f, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x8c10, 0x8c1f, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x9c10, 0x9c1b, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x9c90, 0x9c9b, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x1d10, 0x1d1e, 2, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x8d10, 0x8d1e, 1, ROOT_PORT, IF_PCH_WORKAROUND },
    { 0x8086, 0x8c90, 0x8c9e, 2, ROOT_PORT, IF_PCH_WORKAROUND },
    /* pci_quirk_intel_spt_pch_acs: errata 23 (100), 22 (200 series, mobile) */
    { 0x8086, 0xa110, 0xa11f, 1, ROOT_PORT, CTRL_AT_8 },
    { 0x8086, 0xa167, 0xa16a, 1, ROOT_PORT, CTRL_AT_8 },
    { 0x8086, 0xa290, 0xa29f, 1, ROOT_PORT, CTRL_AT_8 },
    { 0x8086, 0xa2e7, 0xa2ee, 1, ROOT_PORT, CTRL_AT_8 },
    { 0x8086, 0x9d10, 0x9d1b, 1, ROOT_PORT, CTRL_AT_8 },
    /* pci_quirk_mf_endpoint_acs: Emulex BE3-R, Skyhawk-R */
    { 0x19a2, 0x0710, 0x0710, 1, ANY, ISOLATED },
    { 0x10df, 0x0720, 0x0720, 1, ANY, ISOLATED },
    /* pci_quirk_cavium_acs: ThunderX; its functions: mf_endpoint */
    { 0x177d, 0xa000, 0xa7ff, 1, ROOT_PORT, ISOLATED },
    { 0x177d, 0xaf84, 0xb884, 0x900, ROOT_PORT, ISOLATED },
    { 0x177d, 0xa026, 0xa026, 1, ANY, ISOLATED },
    { 0x177d, 0xa059, 0xa060, 7, ANY, ISOLATED },
    /* pci_quirk_xgene_acs: APM X-Gene, Ampere */
    { 0x10e8, 0xe004, 0xe004, 1, ANY, ISOLATED },
    { 0x1def, 0xe005, 0xe00c, 1, ANY, ISOLATED },
    /* pci_quirk_mf_endpoint_acs: Broadcom NetXtreme; _brcm_acs: iProc PAXB */
    { 0x14e4, 0x16d7, 0x16d7, 1, ANY, ISOLATED },
    { 0x14e4, 0x1750, 0x1752, 1, ANY, ISOLATED },
    { 0x14e4, 0x1760, 0x1763, 1, ANY, ISOLATED },
    { 0x14e4, 0xd714, 0xd714, 1, ANY, ISOLATED },
    /* pci_quirk_loongson_acs */
    { 0x0014, 0x3c09, 0x3c29, 0x10, ANY, ISOLATED },
    { 0x0014, 0x7a09, 0x7a69, 0x10, ANY, ISOLATED },
    /* pci_quirk_al_acs: Amazon Annapurna Labs */
    { 0x1c36, 0x0031, 0x0031, 1, ROOT_PORT, ISOLATED },
    /* pci_quirk_mf_endpoint_acs: Zhaoxin */
    { 0x1d17, 0x3038, 0x3038, 1, ANY, ISOLATED },
    { 0x1d17, 0x3104, 0x3104, 1, ANY, ISOLATED },
    { 0x1d17, 0x9083, 0x9083, 1, ANY, ISOLATED },
    /* pci_quirk_nxp_rp_acs: LX2xx0 and LX2xx2 */
    { 0x1957, 0x8d80, 0x8d83, 1, ANY, ISOLATED },
    { 0x1957, 0x8d88, 0x8d8b, 1, ANY, ISOLATED },
    { 0x1957, 0x8d90, 0x8d93, 1, ANY, ISOLATED },
    { 0x1957, 0x8d98, 0x8d9b, 1, ANY, ISOLATED },
    { 0x1957, 0x8da0, 0x8da1, 1, ANY, ISOLATED },
    { 0x1957, 0x8da8, 0x8da9, 1, ANY, ISOLATED },
    { 0x1957, 0x8db0, 0x8db1, 1, ANY, ISOLATED },
    { 0x1957, 0x8db8, 0x8db9, 1, ANY, ISOLATED },
    /* pci_quirk_zhaoxin_pcie_ports_acs */
    { 0x1d17, 0x0710, 0x071e, 1, PORT, ISOLATED },
    { 0x1d17, 0x0721, 0x0721, 1, PORT, ISOLATED },
    { 0x1d17, 0x0723, 0x0752, 1, PORT, ISOLATED },
    { 0x1d17, 0x0000, 0xffff, 1, PORT, NOT_ISOLATED },
    /* pci_quirk_wangxun_nic_acs: EM, SP, AML */
    { 0x8088, 0x0100, 0x010f, 1, ANY, ISOLATED },
    { 0x8088, 0x1001, 0x2001, 0x1000, ANY, ISOLATED },
    { 0x8088, 0x5010, 0x5025, 0x15, ANY, ISOLATED },
    { 0x8088, 0x5040, 0x5040, 1, ANY, ISOLATED },
    { 0x8088, 0x5110, 0x5125, 0x15, ANY, ISOLATED },
    { 0x8088, 0x5140, 0x5140, 1, ANY, ISOLATED },
    { 0x8088, 0x0000, 0xffff, 1, ANY, NOT_ISOLATED },
};

static bool matches(const struct quirk *q, const struct xpci_device *dev)
{
    return q->vendor == dev->vendor && q->first <= dev->device &&
           dev->device <= q->last && (dev->device - q->first) % q->step == 0 &&
           (q->types == ANY ||
            (dev->pcie_type >= 0 && q->types >> dev->pcie_type & 1));
}

static bool ctrl_isolates(uint16_t cap, uint16_t ctrl, bool as_enabled)
{
    /* what is not in cap is always on: PCIe r6.0 6.12.1, as Linux reads it */
    uint16_t need = cap & REQUIRED;

    return as_enabled || (ctrl & need) == need;
}

/* pci_quirk_enable_intel_pch_acs(): an absent 1f.0 reads as if it were on. */
static bool pch_workaround(const struct xpci_inventory *inv,
                           const struct xpci_device *dev, bool as_enabled)
{
    const struct xpci_bdf bdf = { dev->bdf.segment, dev->bdf.bus, 0x1f, 0 };
    const struct xpci_device *lpc = xpci_inventory_find(inv, &bdf);

    return (!lpc || lpc->vendor_reg & 1) &&
           (as_enabled || dev->vendor_reg >> 26 & 1);
}

static enum verdict look_up(const struct xpci_inventory *inv,
                            const struct xpci_device *dev, bool as_enabled)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(quirks); i++) {
        const struct quirk *q = &quirks[i];

        if (!matches(q, dev))
            continue;
        if (q->verdict == IF_PCH_WORKAROUND)
            return pch_workaround(inv, dev, as_enabled) ? ISOLATED
                                                        : NOT_ISOLATED;
        if (q->verdict == CTRL_AT_8 && dev->acs.state == XPCI_ACS_PRESENT)
            return ctrl_isolates(dev->acs.cap, dev->acs.ctrl_at_8, as_enabled)
                       ? ISOLATED
                       : NOT_ISOLATED;
        if (q->verdict == IF_AMD_SOUTHBRIDGE && dev->multifunction &&
            dev->parent == XPCI_NO_PARENT && inv->has_ivrs)
            return ISOLATED;
        if (q->verdict == ISOLATED || q->verdict == NOT_ISOLATED)
            return q->verdict;
    }
    return BY_CAPABILITY;
}

bool xpci_acs_isolates(const struct xpci_inventory *inv, size_t i,
                       bool as_enabled)
{
    const struct xpci_device *dev = &inv->dev[i];
    enum verdict verdict = look_up(inv, dev, as_enabled);

    if (verdict != BY_CAPABILITY)
        return verdict == ISOLATED;
    switch (dev->pcie_type) {
    case XPCI_PCIE_NONE:
    case XPCI_PCIE_UNKNOWN:
    case XPCI_PCI_TO_PCIE:
    case XPCI_PCIE_TO_PCI:
    case XPCI_PCIE_RC_EVENT:
        return false;
    case XPCI_PCIE_ENDPOINT:
    case XPCI_PCIE_LEGACY:
    case XPCI_PCIE_UPSTREAM:
    case XPCI_PCIE_RC_ENDPOINT:
        if (!dev->multifunction)
            return true;
        break;
    case XPCI_PCIE_DOWNSTREAM:
    case XPCI_PCIE_ROOT_PORT:
        break;
    default:
        return true;
    }
    return dev->acs.state == XPCI_ACS_PRESENT &&
           ctrl_isolates(dev->acs.cap, dev->acs.ctrl, as_enabled);
}
