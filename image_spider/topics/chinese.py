"""Chinese characters: traditional ones read as simplified, as far as the taxonomy's own words need it."""

from __future__ import annotations

# Traditional and simplified, in pairs, checked against OpenCC's character tables. Some simplified characters stand for
# several traditional ones, so the way back would be a guess; this way is none.
_PAIRS = """
專专業业叢丛東东豐丰爲为為为舉举烏乌樂乐習习書书雲云亞亚產产親亲倉仓價价衆众眾众會会傘伞傳传體体侶侣脩修兒儿蘭兰關关養养內内寫写
軍军農农衝冲沖冲凍冻準准幾几憑凭擊击創创別别製制劇剧辦办務务動动區区醫医昇升華华單单臥卧衛卫捲卷廠厂廳厅壓压廈厦廚厨發发髮发臺台
檯台颱台葉叶號号喫吃弔吊衕同後后嚮向聽听唄呗員员週周響响啞哑團团糰团園园圍围國国圖图圓圆聖圣場场塊块墊垫牆墙處处復复複复覆复頭头
夾夹獎奖奧奥妝妆媽妈孃娘娛娱嬰婴學学寶宝實实寵宠宮宫傢家賓宾對对導导壽寿將将爾尔侷局嶼屿島岛巖岩峽峡峯峰幣币佈布帥帅師师帳帐簾帘
帶带幹干乾干廣广莊庄牀床庫库應应廟庙絃弦強强錄录綵彩態态總总恆恒懸悬戲戏戰战戶户撲扑託托摺折護护報报擬拟據据蒐搜攜携攝摄搖摇數数
鬥斗無无時时崑昆顯显麴曲術术機机條条來来盃杯鬆松闆板極极楓枫櫃柜檸柠標标樹树樣样覈核橋桥檢检樓楼欖榄櫻樱櫥橱歡欢畢毕氣气漢汉湯汤
註注澤泽測测濟济塗涂潤润漁渔溫温遊游灣湾溼湿濕湿滾滚滿满灘滩潛潜燈灯竈灶爐炉點点煉炼鍊炼煙烟菸烟燒烧熱热爺爷犛牦獅狮獵猎豬猪貓猫
蝟猬環环現现電电畫画療疗癥症盤盘礦矿碼码禮礼種种祕秘競竞筆笔築筑箏筝籤签簽签籃篮類类糉粽係系繫系紅红紀纪紗纱紙纸線线綫线細细經经
絨绒繪绘絡络繡绣綿绵綜综綠绿編编網网羅罗羣群職职聯联膚肤餚肴揹背勝胜鬍胡衚胡脈脉腦脑腳脚臉脸艦舰藝艺節节蘇苏蘋苹藥药蓮莲蘿萝營营
薩萨藍蓝蘚藓虛虚蟲虫蟻蚁螞蚂錶表襯衬裝装褲裤裡里裏里觀观視视覽览觸触計计訓训議议記记講讲論论設设證证診诊試试話话誕诞說说説说讀读
課课譜谱穀谷財财貨货質质購购貿贸費费資资賽赛車车軌轨輪轮軟软輕轻轎轿輛辆輯辑邊边過过運运遠远連连跡迹蹟迹遺遗郵邮鬱郁採采針针鈔钞
鋼钢錢钱鐵铁鈴铃銀银鋪铺鏈链銷销鍋锅錦锦鍵键鎮镇鏡镜長长門门閃闪間间閱阅隊队陽阳陰阴際际隕陨險险鵰雕霧雾麵面麪面頂顶項项預预領领
頸颈題题風风颶飓飛飞飯饭飲饮飾饰餃饺餅饼館馆饅馒馬马駝驼駕驾駱骆驗验駿骏騎骑魚鱼鮮鲜鯊鲨鯨鲸鱷鳄鳥鸟雞鸡鷗鸥鴉鸦鴨鸭鴿鸽鵝鹅鵡鹉
鸚鹦鷹鹰麥麦黃黄齒齿龍龙龜龟
"""

SIMPLIFIED = {ord(pair[0]): pair[1] for line in _PAIRS.split() for pair in zip(line[::2], line[1::2], strict=True)}


def simplified(text: str) -> str:
    """Replace traditional characters by simplified ones; a character that is not in the table stays."""
    return text.translate(SIMPLIFIED)
