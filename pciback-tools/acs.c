/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acs.h"

#define REQUIRED 0x1d /* SV, RR, CR, UF: PCIe r6.0 7.7.11.2 */

/* What a row of the table says of a function that it matches. */
enum verdict {
    ISOLATED,
    NOT_ISOLATED,
    AMD_SOUTHBRIDGE, /* isolated on the root bus of an AMD IOMMU */
    PCH_WORKAROUND,
    CTRL_AT_8,
};

enum {
    ANY = 0xffff, /* conventional PCI too */
    ROOT_PORT = 1 << XPCI_PCIE_ROOT_PORT,
    PORT = ROOT_PORT | 1 << XPCI_PCIE_DOWNSTREAM,
    RC_ENDPOINT = 1 << XPCI_PCIE_RC_ENDPOINT,
    DEVICE = RC_ENDPOINT | 1 << XPCI_PCIE_ENDPOINT | 1 << XPCI_PCIE_LEGACY |
             1 << XPCI_PCIE_UPSTREAM,
    NEVER =
        1 << XPCI_PCI_TO_PCIE | 1 << XPCI_PCIE_TO_PCI | 1 << XPCI_PCIE_RC_EVENT,
};

static bool is_of(const struct xpci_device *dev, unsigned int types)
{
    return types == ANY || (dev->pcie_type >= 0 && types >> dev->pcie_type & 1);
}

/* The first row that matches decides; each names its function in quirks.c. */
static const struct quirk {
    uint16_t vendor, types;
    enum verdict verdict;
    const char *ids;
} quirks[] = {
    /* pci_quirk_amd_sb_acs: AMD's word (lore.kernel.org, 2012-07-11) */
    { 0x1002, ANY, AMD_SOUTHBRIDGE, "4383-4385 4399 439c-439d" },
    { 0x1022, ANY, AMD_SOUTHBRIDGE, "7809 780f" },
    /* pci_quirk_mf_endpoint_acs: Solarflare */
    { 0x1924, ANY, ISOLATED, "0903 0923 0a03" },
    /* the same: Intel 82598 and 82599, 82580, 82576, 82575, I350, 82571, I219
     */
    { 0x8086, ANY, ISOLATED,
      "10c6 10db 10dd 10e1 10f1 10f7-10fc 1507 1514 151c 1529 152a 154d 154f "
      "1551 1558 1509 150e-1511 1516 1527 10c9 10e6-10e8 150a 150d 1518 1526 "
      "10a7 10a9 10d6 1521-1524 105e-1060 10d9 15b7-15b8" },
    /* pci_quirk_rciep_acs: VT-d r3.1, 3.16 */
    { 0x8086, RC_ENDPOINT, ISOLATED, "0000-ffff" },
    /* pci_quirk_qcom_rp_acs: QDF2xxx, SA8775P, Hamoa, Glymur; HXT SD4800 */
    { 0x17cb, ANY, ISOLATED, "0111 0115 0120 0400-0401" },
    { 0x1dbf, ANY, ISOLATED, "0401" },
    /* pci_quirk_intel_pch_acs: Red Hat bug 1037684 */
    { 0x8086, ROOT_PORT, PCH_WORKAROUND,
      "3b42-3b51 1c10-1c1f 1e10-1e1f 8c10-8c1f 9c10-9c1b 9c90-9c9b 1d10 1d12 "
      "1d14 1d16 1d18 1d1a 1d1c 1d1e 8d10-8d1e 8c90 8c92 8c94 8c96 8c98 8c9a "
      "8c9c 8c9e" },
    /* pci_quirk_intel_spt_pch_acs: errata 23 (100), 22 (200 series, mobile) */
    { 0x8086, ROOT_PORT, CTRL_AT_8,
      "a110-a11f a167-a16a a290-a29f a2e7-a2ee 9d10-9d1b" },
    /* pci_quirk_mf_endpoint_acs: Emulex BE3-R, Skyhawk-R */
    { 0x19a2, ANY, ISOLATED, "0710" },
    { 0x10df, ANY, ISOLATED, "0720" },
    /* pci_quirk_cavium_acs; pci_quirk_mf_endpoint_acs */
    { 0x177d, ROOT_PORT, ISOLATED, "a000-a7ff af84 b884" },
    { 0x177d, ANY, ISOLATED, "a026 a059 a060" },
    /* pci_quirk_xgene_acs: APM, Ampere */
    { 0x10e8, ANY, ISOLATED, "e004" },
    { 0x1def, ANY, ISOLATED, "e005-e00c" },
    /* pci_quirk_mf_endpoint_acs, pci_quirk_brcm_acs: Broadcom */
    { 0x14e4, ANY, ISOLATED, "16d7 1750-1752 1760-1763 d714" },
    /* pci_quirk_loongson_acs */
    { 0x0014, ANY, ISOLATED,
      "3c09 3c19 3c29 7a09 7a19 7a29 7a39 7a49 7a59 7a69" },
    /* pci_quirk_al_acs: Amazon Annapurna Labs */
    { 0x1c36, ROOT_PORT, ISOLATED, "0031" },
    /* pci_quirk_mf_endpoint_acs: Zhaoxin */
    { 0x1d17, ANY, ISOLATED, "3038 3104 9083" },
    /* pci_quirk_nxp_rp_acs: LX2xx0, LX2xx2 */
    { 0x1957, ANY, ISOLATED,
      "8d80-8d83 8d88-8d8b 8d90-8d93 8d98-8d9b 8da0-8da1 8da8-8da9 8db0-8db1 "
      "8db8-8db9" },
    /* pci_quirk_zhaoxin_pcie_ports_acs */
    { 0x1d17, PORT, ISOLATED, "0710-071e 0721 0723-0752" },
    { 0x1d17, PORT, NOT_ISOLATED, "0000-ffff" },
    /* pci_quirk_wangxun_nic_acs */
    { 0x8088, ANY, ISOLATED,
      "0100-010f 1001 2001 5010 5025 5040 5110 5125 5140" },
    { 0x8088, ANY, NOT_ISOLATED, "0000-ffff" },
};

/* What is not in cap is always on (PCIe r6.0 6.12.1, as Linux reads it). */
static bool is_on(uint16_t cap, uint16_t ctrl, bool as_enabled)
{
    return as_enabled || !(cap & REQUIRED & ~ctrl);
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

/* 1: isolated, 0: not, -1: the table does not know. */
static int look_up(const struct xpci_inventory *inv,
                   const struct xpci_device *dev, bool as_enabled)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(quirks); i++) {
        const struct quirk *q = &quirks[i];

        if (!is_of(dev, q->types) ||
            !xpci_device_listed(dev, q->vendor, q->ids))
            continue;
        if (q->verdict == ISOLATED || q->verdict == NOT_ISOLATED)
            return q->verdict == ISOLATED;
        if (q->verdict == PCH_WORKAROUND)
            return pch_workaround(inv, dev, as_enabled);
        if (q->verdict == CTRL_AT_8 && dev->acs.state == XPCI_ACS_PRESENT)
            return is_on(dev->acs.cap, dev->acs.ctrl_at_8, as_enabled);
        if (q->verdict == AMD_SOUTHBRIDGE && dev->multifunction &&
            dev->parent == XPCI_NO_PARENT && inv->has_ivrs)
            return 1;
    }
    return -1;
}

bool xpci_acs_isolates(const struct xpci_inventory *inv, size_t i,
                       bool as_enabled)
{
    const struct xpci_device *dev = &inv->dev[i];
    int known = look_up(inv, dev, as_enabled);
    bool on = dev->acs.state == XPCI_ACS_PRESENT &&
              is_on(dev->acs.cap, dev->acs.ctrl, as_enabled);

    if (known >= 0)
        return known;
    if (dev->pcie_type < 0 || is_of(dev, NEVER))
        return false;
    return on || !is_of(dev, PORT | DEVICE) ||
           (is_of(dev, DEVICE) && !dev->multifunction);
}
